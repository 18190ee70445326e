/** Node lifecycle: a node whose kubelet is silent becomes Unknown; taints follow conditions, and eviction taints go slowly. */
import type { Lease, Node, Pod, Taint } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { isReady, nodeIndex } from '../pods.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mergePatch, mergeStatus } from '../status-patch.ts'
import { lostStatus, nextProbe, readinessOf, zoneOf, zoneState, type Probe } from './node/health.ts'
import { evictionTaintOf, notReadyTaint, unreachableTaint, withConditionTaints, withEvictionTaint } from './node/taints.ts'

const leaseNamespace = 'kube-node-lease'

export interface NodeLifecycleOptions {
  gracePeriodMs: number
  /** Nodes a second. */
  evictionRate: number
  secondaryEvictionRate: number
  largeZoneSize: number
  unhealthyThreshold: number
}

export interface Observed {
  lease: Lease | undefined
  pods: Pod[]
  /** All nodes: asked for only when one is lost. */
  nodes: () => readonly Node[]
}

/** What must outlive a pass: when each node was last heard of, when each zone last lost one, whether any node was ready. */
export interface Memory {
  probes: Map<string, Probe>
  lastEviction: Map<string, number>
  anyReady: boolean
}

const readyIndex = { ready: (node: Node): readonly string[] => [String(readinessOf(node) === 'True')] }

export function createNodeLifecycle(options: NodeLifecycleOptions): Controller<'Node', Observed> {
  const memory: Memory = { probes: new Map(), lastEviction: new Map(), anyReady: true }
  /** With the last ready node the taints of the lost ones go, with the first one that is back they come: no change of their own tells. */
  const wakeLost = (cache: Cache): string[] => {
    const anyReady = cache.of('Node').byIndex('ready', 'true').length > 0
    if (anyReady === memory.anyReady) return []
    memory.anyReady = anyReady
    return cache.of('Node').byIndex('ready', 'false').map(keyOf)
  }
  return {
    name: 'node-lifecycle-controller',
    for: 'Node',
    watches: [
      { kind: 'Lease', wakes: ({ metadata }: Lease) => (metadata.namespace === leaseNamespace ? [metadata.name] : []) },
      { kind: 'Node', wakes: (_: Node, cache: Cache) => wakeLost(cache) },
    ],
    reads: ['Pod'],
    indexes: { Pod: nodeIndex, Node: readyIndex },
    observe: ({ metadata }, cache) => ({
      lease: cache.of('Lease').get({ namespace: leaseNamespace, name: metadata.name }),
      pods: cache.of('Pod').byIndex('node', metadata.name),
      nodes: () => cache.of('Node').list(),
    }),
    reconcile: (node, observed, now) => reconcile(node, observed, now, options, memory),
    gone({ name }) {
      memory.probes.delete(name)
      return []
    },
  }
}

export function reconcile(node: Node, observed: Observed, now: Date, options: NodeLifecycleOptions, memory: Memory): Action[] {
  const { name } = node.metadata
  const probe = nextProbe(node, observed.lease, memory.probes.get(name), now)
  memory.probes.set(name, probe)
  const waitMs = probe.at + options.gracePeriodMs - now.getTime()
  // The new status wakes this node again: taints and pods follow from it then.
  if (waitMs <= 0) {
    const conditions = lostStatus(node, now)
    if (!semanticEqual(conditions, node.status?.conditions)) {
      const wasReady = readinessOf(node) === 'True'
      return [
        mergePatch(node, { status: { conditions }, metadata: { resourceVersion: node.metadata.resourceVersion } }, 'status'),
        ...(wasReady ? [notReadyEvent(node, `Node ${name} status is now: NodeNotReady`, 'Normal')] : []),
      ]
    }
  }
  const { taints, retryMs } = computeTaints(node, observed, now, options, memory)
  const next = Math.min(waitMs > 0 ? waitMs : Infinity, retryMs ?? Infinity)
  return [
    ...(semanticEqual(taints, node.spec?.taints)
      ? []
      : [mergePatch(node, { spec: { taints }, metadata: { resourceVersion: node.metadata.resourceVersion } })]),
    ...(readinessOf(node) === 'Unknown' ? observed.pods.filter(isReady).flatMap((pod) => markNotReady(pod, now)) : []),
    ...(next === Infinity ? [] : [{ do: 'requeue' as const, afterMs: next }]),
  ]
}

/** What selects on readiness (endpoints) must not send traffic to pods of a node that nobody hears of. */
const markNotReady = (pod: Pod, now: Date): Action[] => [
  mergeStatus(pod, { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: formatTime(now) }] }),
  notReadyEvent(pod, 'Node is not ready', 'Warning'),
]

const notReadyEvent = (about: Node | Pod, message: string, type: 'Normal' | 'Warning'): Action => ({
  do: 'event',
  about,
  type,
  reason: 'NodeNotReady',
  message,
})

interface Tainted {
  taints: Taint[]
  /** When the rate allows the taint that is held back. */
  retryMs?: number
}

function computeTaints(node: Node, { nodes }: Observed, now: Date, options: NodeLifecycleOptions, memory: Memory): Tainted {
  const time = formatTime(now)
  const taints = withConditionTaints(node, time)
  const readiness = readinessOf(node)
  if (readiness === 'True') return { taints: withEvictionTaint(taints, null, time) }
  const all = nodes()
  // When no node anywhere is ready, the fault is more likely on our side of the network than on all of theirs.
  if (all.every((each) => readinessOf(each) !== 'True')) return { taints: withEvictionTaint(taints, null, time) }
  const key = readiness === 'False' ? notReadyTaint : unreachableTaint
  if (evictionTaintOf(node.spec?.taints)) return { taints: withEvictionTaint(taints, key, time) }
  const retryMs = evictionDelay(node, all, now, options, memory)
  return retryMs === 0 ? { taints: withEvictionTaint(taints, key, time) } : { taints, retryMs }
}

/** 0: now, and this one is counted. */
function evictionDelay(
  node: Node,
  all: readonly Node[],
  now: Date,
  options: NodeLifecycleOptions,
  { lastEviction }: Memory,
): number {
  const zone = zoneOf(node)
  const inZone = all.filter((each) => zoneOf(each) === zone)
  const state = zoneState(inZone, options.unhealthyThreshold)
  const large = inZone.length > options.largeZoneSize
  const rate = state === 'PartialDisruption' ? (large ? options.secondaryEvictionRate : 0) : options.evictionRate
  // A small zone in trouble evicts nothing; look again in case it recovers without this node changing.
  if (rate === 0) return 10_000
  const wait = (lastEviction.get(zone) ?? -Infinity) + 1000 / rate - now.getTime()
  if (wait > 0) return wait
  lastEviction.set(zone, now.getTime())
  return 0
}
