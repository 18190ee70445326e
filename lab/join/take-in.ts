/** Takes another node into a lab that runs, which joins the cluster by a bootstrap token. */
import type { ApiClient } from '../../client/api-client.ts'
import { apiServerUrl, type LabDefinition } from '../definition.ts'
import { saveLab } from '../known-labs.ts'
import { announceNode } from '../network.ts'
import { startMachine } from '../node-power.ts'
import type { RunningLab } from '../running-lab.ts'
import { approveServing } from './approve-serving.ts'
import { prepareJoin } from './join-node.ts'

/** How long a token may wait for its signature. */
const JOIN_MS = 60_000

/** Addresses of nodes end where those of load balancers begin. */
const MOST_NODES = 100

export interface Joining {
  takeIn(node: string): Promise<void>
}

/** From the first node that joins on, the serving certificates of all that joined are approved. */
export function createJoining(running: RunningLab, client: ApiClient): Joining {
  const { lab, logger, signal } = running
  let approving: Promise<void> | undefined
  const approve = () => {
    approving ??= approveServing(lab, client, logger, signal).catch((error: unknown) =>
      logger.error('cannot approve serving certificates', { error }),
    )
  }
  if (lab.joined.length > 0) approve()
  return {
    async takeIn(node) {
      assertNewNode(lab, node)
      // Nobody else may take the address while the token is made.
      lab.nodes.push(node)
      lab.joined.push(node)
      try {
        await prepareJoin(lab, node, apiServerUrl(lab), client, AbortSignal.any([signal, AbortSignal.timeout(JOIN_MS)]))
        await saveLab(lab)
      } catch (error) {
        lab.nodes.splice(lab.nodes.indexOf(node), 1)
        lab.joined.splice(lab.joined.indexOf(node), 1)
        throw error
      }
      approve()
      await startMachine(running, node)
      await announceNode(lab, node)
    },
  }
}

function assertNewNode({ nodes }: LabDefinition, node: string): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(node)) throw new Error(`Cannot add "${node}": it is no DNS label`)
  if (nodes.includes(node)) throw new Error(`Cannot add ${node}: the lab has it already`)
  if (nodes.length >= MOST_NODES) throw new Error(`Cannot add ${node}: a lab has at most ${MOST_NODES} nodes`)
}
