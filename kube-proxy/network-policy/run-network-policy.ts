/**
 * Holds the node's pods to the network policies: watches policies, and pods and namespaces once there is a policy, computes the
 * chains anew on every change and writes those that differ. In the mangle table: nothing that accepts a packet comes before it.
 */
import type { SharedInformers } from '../../client/shared-informers.ts'
import type { Clock } from '../../component/clock.ts'
import { coalesce, endOfTurn } from '../../component/coalesce.ts'
import type { Logger } from '../../component/logger.ts'
import { createPolicyBackend, type PolicyBackend } from './policy-backend.ts'
import { computePolicyRules, type PolicyRules } from './compute-policy-rules.ts'
import { watchPeers } from './policy-peers.ts'
import { repairRegularly } from '../repair.ts'
import type { Family } from '../service-ports.ts'

export interface NetworkPolicyOptions {
  informers: Pick<SharedInformers, 'informer'>
  families: readonly Family[]
  nodeName: string
  clock: Clock
  logger: Logger
  backendFor?: (family: Family) => PolicyBackend
}

const RETRY_MS = 1_000

export function runNetworkPolicy(options: NetworkPolicyOptions): { settled(): Promise<void>; stop(): Promise<void> } {
  const { informers, families, nodeName, clock, logger, backendFor = createPolicyBackend } = options
  const policies = informers.informer('NetworkPolicy')
  const nodes = informers.informer('Node')
  const backends = families.map((family) => ({ family, backend: backendFor(family), kernel: null as PolicyRules | null }))
  let watching: ReturnType<typeof watchPeers> | undefined
  let cancelRetry = () => {}

  const write = async () => {
    await policies.whenSynced()
    const all = policies.store.list()
    if (all.length > 0) watching ??= watchPeers(informers, touch)
    // With a part of the pods unknown the rules would forbid what is allowed.
    await watching?.whenSynced()
    for (const each of backends) {
      const { pods, namespaces } = watching?.seen() ?? { pods: [], namespaces: [] }
      const podRanges = nodes.store.get(nodeName)?.spec?.podCIDRs ?? []
      const rules = computePolicyRules(policies.store.list(), pods, namespaces, {
        name: nodeName,
        family: each.family,
        podRanges,
      })
      const before = each.kernel
      each.kernel = null
      await each.backend.replace(before, rules)
      each.kernel = rules
    }
  }
  const writes = coalesce(write, {
    gather: endOfTurn,
    onError(error) {
      logger.error('cannot write the rules of network policies, trying again', { error: String(error) })
      cancelRetry = clock.setTimeout(touch, RETRY_MS)
    },
  })
  const touch = writes.request
  const repair = async () => {
    for (const each of backends) {
      if (!each.kernel?.size || (await each.backend.isIntact())) continue
      logger.warn('the rules of network policies were flushed, writing them again', { family: each.family })
      each.kernel = null
      touch()
    }
  }
  policies.addHandlers({ added: touch, updated: touch, deleted: touch })
  touch()
  const cancelRepair = repairRegularly(repair, clock, logger)
  return {
    settled: writes.settled,
    async stop() {
      writes.stop()
      cancelRetry()
      cancelRepair()
    },
  }
}
