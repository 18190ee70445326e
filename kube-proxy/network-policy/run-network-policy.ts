/**
 * Holds the node's pods to the network policies: watches policies, and pods and namespaces once there is a policy, computes the
 * chains anew on every change and writes those that differ. In the mangle table: nothing that accepts a packet comes before it.
 */
import type { Pod } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { SharedInformers } from '../../client/shared-informers.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { createPolicyBackend, type PolicyBackend } from './policy-backend.ts'
import { computePolicyRules, type PolicyRules } from './compute-policy-rules.ts'
import type { Family } from '../service-ports.ts'

export interface NetworkPolicyOptions {
  informers: Pick<SharedInformers, 'informer'>
  families: readonly Family[]
  nodeName: string
  clock: Clock
  logger: Logger
  backendFor?: (family: Family) => PolicyBackend
}

/** As the proxier: how often to look whether someone flushed the tables. */
const REPAIR_MS = 30_000
const RETRY_MS = 1_000

export function runNetworkPolicy(options: NetworkPolicyOptions): { settled(): Promise<void>; stop(): Promise<void> } {
  const { informers, families, nodeName, clock, logger, backendFor = createPolicyBackend } = options
  const policies = informers.informer('NetworkPolicy')
  const nodes = informers.informer('Node')
  const backends = families.map((family) => ({ family, backend: backendFor(family), kernel: null as PolicyRules | null }))
  let watching: ReturnType<typeof watchPeers> | undefined
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  let cancelRetry = () => {}
  let cancelRepair = () => {}

  const write = async () => {
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
  const loop = async () => {
    await policies.whenSynced()
    while (again && !stopped) {
      again = false
      try {
        await write()
      } catch (error) {
        logger.error('cannot write the rules of network policies, trying again', { error: String(error) })
        cancelRetry = clock.setTimeout(touch, RETRY_MS)
      }
    }
  }
  function touch() {
    again = true
    if (stopped) return
    running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(loop).finally(() => {
      running = undefined
      if (again) touch()
    })
  }
  const repair = async () => {
    for (const each of backends) {
      if (!each.kernel?.size || (await each.backend.isIntact())) continue
      logger.warn('the rules of network policies were flushed, writing them again', { family: each.family })
      each.kernel = null
      touch()
    }
  }
  const repairLater = () => {
    cancelRepair = clock.setTimeout(() => {
      repair()
        .catch((error: unknown) => logger.warn('cannot check the rules of network policies', { error: String(error) }))
        .finally(() => stopped || repairLater())
    }, REPAIR_MS)
  }

  policies.addHandlers({ added: touch, updated: touch, deleted: touch })
  touch()
  repairLater()
  return {
    async settled() {
      while (running) await running
    },
    async stop() {
      stopped = true
      cancelRetry()
      cancelRepair()
    },
  }
}

/** Most changes of a pod are none to a policy: its probes, its conditions. */
const pictureOf = ({ metadata, spec, status }: Pod): string =>
  JSON.stringify([
    metadata.labels,
    spec?.nodeName,
    status?.podIPs,
    status?.podIP,
    status?.phase === 'Succeeded' || status?.phase === 'Failed',
  ])
const labelsOf = ({ metadata }: KubeObject): string => JSON.stringify(metadata.labels)

function watchPeers(informers: Pick<SharedInformers, 'informer'>, touch: () => void) {
  const pods = informers.informer('Pod')
  const namespaces = informers.informer('Namespace')
  pods.addHandlers({
    added: touch,
    deleted: touch,
    updated: (pod, old) => void (pictureOf(pod) !== pictureOf(old) && touch()),
  })
  namespaces.addHandlers({
    added: touch,
    deleted: touch,
    updated: (namespace, old) => void (labelsOf(namespace) !== labelsOf(old) && touch()),
  })
  return {
    whenSynced: () => Promise.all([pods.whenSynced(), namespaces.whenSynced()]),
    seen: () => ({ pods: pods.store.list(), namespaces: namespaces.store.list() }),
  }
}

/** What a policy looks at in a pod; the rest would be held in memory for nothing. */
export function trimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, labels, resourceVersion } = metadata
  const portsOf = (containers: Pod['spec']['containers'] | undefined) =>
    (containers ?? []).filter(({ ports }) => ports?.length).map((each) => ({ name: each.name, ports: each.ports }))
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, labels, resourceVersion },
    spec: {
      nodeName: spec?.nodeName,
      hostNetwork: spec?.hostNetwork,
      containers: portsOf(spec?.containers),
      initContainers: portsOf(spec?.initContainers as Pod['spec']['containers'] | undefined),
    },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  } as Pod
}
