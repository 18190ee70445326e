/** NodePorts: a host port is given once for each address and protocol of a node. */
import { freesRoom, isNodeChange, refuse, type SchedulerPlugin } from '../framework.ts'
import type { HostPort } from '../pod-info.ts'

const refusal = refuse("node(s) didn't have free ports for the requested pod ports")
const everywhere = '0.0.0.0'

const conflicts = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === everywhere || b.ip === everywhere)

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
  isHelpedBy: (_, event) => freesRoom(event) || (isNodeChange(event) && event.type === 'add'),
}
