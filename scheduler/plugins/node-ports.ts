/** NodePorts: a host port is given once for each address and protocol of a node. */
import { withSpec } from '../changes.ts'
import { freesRoom, isNodeChange, refuse, type Change, type SchedulerPlugin } from '../framework.ts'
import type { HostPort } from '../pod-info.ts'

const refusal = refuse("node(s) didn't have free ports for the requested pod ports")
const everywhere = '0.0.0.0'

const conflicts = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === everywhere || b.ip === everywhere)

/** Containers keep their port; only the node's is given up. */
const withoutHostPort = ({ port, protocol }: HostPort): Change => ({
  kind: `port ${port}/${protocol}`,
  text: `it did not want port ${port}/${protocol} of the node (hostPort)`,
  cost: 0.5,
  pod: (pod) =>
    withSpec(pod, {
      containers: pod.spec.containers.map((container) => ({
        ...container,
        ports: (container.ports ?? []).map(({ hostPort, ...rest }) =>
          hostPort === port && (rest.protocol ?? 'TCP') === protocol ? rest : { ...rest, ...(hostPort ? { hostPort } : {}) },
        ),
      })),
    }),
})

export const nodePorts: SchedulerPlugin = {
  name: 'NodePorts',
  preFilter({ hostPorts }) {
    if (hostPorts.length === 0) return null
    return {
      check({ portHolders }) {
        for (const held of portHolders.values()) {
          if (held.some((port) => hostPorts.some((wanted) => conflicts(port, wanted)))) return refusal
        }
        return null
      },
    }
  },
  relax: ({ hostPorts }, { portHolders }) => {
    const taken = [...portHolders.values()].flat()
    return [hostPorts.filter((wanted) => taken.some((held) => conflicts(held, wanted))).map(withoutHostPort)]
  },
  isHelpedBy: (_, event) => freesRoom(event) || (isNodeChange(event) && event.type === 'add'),
}
