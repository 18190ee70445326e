/** DaemonSet: one pod on every node that fits, replaced node by node when the template changes. */
import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { isControlledBy, keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { claim, orphanIndex, orphansWake } from '../claim.ts'
import { expiredRevisions, planHistory, revisionHashLabel } from '../history.ts'
import { isActive, isAvailable, isFinished, isReady, untilNextAvailable } from '../pods.ts'
import { nonZero, remove, updateStatus } from '../status-patch.ts'
import { daemonPodFor, fitness, targetNode } from './daemon-set/placement.ts'
import { createFailureBackoff } from './daemon-set/failure-backoff.ts'
import { maySurge, planRollingUpdate } from './daemon-set/rolling-update.ts'

const burst = 250

export interface Observed {
  nodes: Node[]
  pods: Pod[]
  revisions: ControllerRevision[]
  /** For each pod that has failed: how long it must stay. */
  failures: ReadonlyMap<string, number>
}

export function createDaemonSetController(): Controller<'DaemonSet', Omit<Observed, 'failures'>> {
  const backoff = createFailureBackoff()
  /** Nodes change with every heartbeat; only labels and taints matter here. */
  const known = new Map<string, string>()
  return {
    name: 'daemonset-controller',
    for: 'DaemonSet',
    owns: ['Pod', 'ControllerRevision'],
    watches: [
      orphansWake('Pod', 'DaemonSet', ({ spec }) => spec.selector),
      {
        kind: 'Node',
        wakes(node: Node, cache) {
          const { name, labels } = node.metadata
          const gone = cache.of('Node').get(name) === undefined
          const sign = JSON.stringify([labels, node.spec?.taints, node.spec?.unschedulable])
          if (!gone && known.get(name) === sign) return []
          if (gone) known.delete(name)
          else known.set(name, sign)
          return cache.of('DaemonSet').list().map(keyOf)
        },
      },
    ],
    indexes: { Pod: orphanIndex, ControllerRevision: orphanIndex },
    observe: ({ metadata: { uid, namespace = '' } }, cache) => ({
      nodes: cache.of('Node').list(),
      pods: [...cache.of('Pod').controlledBy(uid), ...cache.of('Pod').byIndex('orphans', namespace)],
      revisions: [
        ...cache.of('ControllerRevision').controlledBy(uid),
        ...cache.of('ControllerRevision').byIndex('orphans', namespace),
      ],
    }),
    reconcile(ds, observed, now) {
      const failed = observed.pods.filter(
        (pod) => pod.status?.phase === 'Failed' && !pod.metadata.deletionTimestamp && isControlledBy(pod, ds),
      )
      const failures = new Map(failed.map((pod) => [pod.metadata.uid, backoff.waitMs(ds, pod, now)]))
      return reconcile(ds, { ...observed, failures }, now)
    },
  }
}

export function reconcile(ds: DaemonSet, observed: Observed, now: Date): Action[] {
  const selector = toSelector(ds.spec.selector)
  if (selector.requirements.length === 0) {
    const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
    return [{ do: 'event', about: ds, type: 'Warning', reason: 'SelectingAll', message }]
  }
  const claimed = claim(ds, observed.pods, (pod) => selector.matches(pod.metadata.labels))
  const history = claim(ds, observed.revisions, ({ metadata }) => selector.matches(metadata.labels))
  if (ds.metadata.deletionTimestamp) return []
  const { current, actions, collides } = planHistory(ds, history.owned, ds.status?.collisionCount)
  if (collides)
    return updateStatus(ds, { ...statusOf(ds, [], '', observed, now), collisionCount: (ds.status?.collisionCount ?? 0) + 1 })

  const pods = claimed.owned
  const changes = manage(ds, pods, observed, current.hash)
  // One kind of change at a time: a rollout decides on what the placement has settled.
  const step = changes.length > 0 ? [] : update(ds, pods, observed.nodes, current.hash, now)
  const inUse = new Set([current.name, ...pods.map(({ metadata }) => metadata.labels?.[revisionHashLabel] ?? '')])
  const waits = [untilNextAvailable(pods, ds.spec.minReadySeconds ?? 0, now) ?? 0, ...observed.failures.values()].filter(
    (ms) => ms > 0,
  )
  return [
    ...claimed.actions,
    ...history.actions,
    ...actions,
    ...changes,
    ...step,
    ...expiredRevisions(history.owned, inUse, ds.spec.revisionHistoryLimit),
    ...updateStatus(ds, statusOf(ds, pods, current.hash, observed, now)),
    ...(waits.length === 0 ? [] : [{ do: 'requeue' as const, afterMs: Math.min(...waits) }]),
  ]
}

const byNode = (pods: readonly Pod[]): Map<string, Pod[]> =>
  Map.groupBy(
    pods.filter((pod) => targetNode(pod) !== undefined),
    (pod) => targetNode(pod)!,
  )

/** Creates where one should be and is not; deletes where none may be, what has ended, and doubles. */
function manage(ds: DaemonSet, pods: readonly Pod[], { nodes, failures }: Observed, hash: string): Action[] {
  const placed = byNode(pods)
  const missing: string[] = []
  const surplus: Pod[] = []
  const events: Action[] = []
  for (const node of nodes) {
    const here = placed.get(node.metadata.name) ?? []
    const { shouldRun, mayStay } = fitness(ds, node)
    if (!mayStay) surplus.push(...here.filter(isActive))
    else if (shouldRun && here.length === 0) missing.push(node.metadata.name)
    else {
      const ended = here.filter((pod) => isFinished(pod) && !pod.metadata.deletionTimestamp && !failures.get(pod.metadata.uid))
      events.push(...ended.map((pod) => endedEvent(ds, pod, node)))
      surplus.push(...ended, ...doubles(ds, here.filter(isActive), hash))
    }
  }
  return [...events, ...removeAll(ds, surplus), ...create(ds, missing, hash)]
}

/** The oldest stays; during a surge, the oldest of the new template and the oldest of those before. */
function doubles(ds: DaemonSet, active: readonly Pod[], hash: string): Pod[] {
  const created = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '') || 0
  const isNew = ({ metadata }: Pod) => metadata.labels?.[revisionHashLabel] === hash
  const oldestFirst = active.toSorted(
    (a, b) =>
      Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) ||
      created(a) - created(b) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  )
  const groups = maySurge(ds) ? [oldestFirst.filter(isNew), oldestFirst.filter((pod) => !isNew(pod))] : [oldestFirst]
  return groups.flatMap((group) => group.slice(1))
}

const endedEvent = (ds: DaemonSet, pod: Pod, node: Node): Action => {
  const failed = pod.status?.phase === 'Failed'
  const [what, why] = failed ? ['failed', 'kill'] : ['succeeded', 'delete']
  return {
    do: 'event',
    about: ds,
    type: failed ? 'Warning' : 'Normal',
    reason: failed ? 'FailedDaemonPod' : 'SucceededDaemonPod',
    message: `Found ${what} daemon pod ${keyOf(pod)} on node ${node.metadata.name}, will try to ${why} it`,
  }
}

function create(ds: DaemonSet, nodes: readonly string[], hash: string): Action[] {
  if (nodes.length === 0) return []
  const actions = nodes.slice(0, burst).map((node): Action => ({
    do: 'create',
    kind: 'Pod',
    object: daemonPodFor(ds, node, hash),
    created: ({ metadata }) => [
      { do: 'event', about: ds, type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` },
    ],
  }))
  const failed = ({ message }: Error): Action[] => [
    { do: 'event', about: ds, type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${message}` },
  ]
  return [{ do: 'attempt', actions: [{ do: 'batch', actions }], failed }]
}

const removeAll = (ds: DaemonSet, pods: readonly Pod[]): Action[] =>
  pods
    .slice(0, burst)
    .flatMap((pod): Action[] => [
      remove(pod),
      { do: 'event', about: ds, type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` },
    ])

function update(ds: DaemonSet, pods: readonly Pod[], nodes: readonly Node[], hash: string, now: Date): Action[] {
  if (ds.spec.updateStrategy?.type === 'OnDelete') return []
  const placed = byNode(pods.filter(isActive))
  const targets = nodes
    .filter((node) => fitness(ds, node).shouldRun)
    .map(({ metadata: { name } }) => ({ node: name, pods: placed.get(name) ?? [] }))
  const step = planRollingUpdate(ds, targets, (pod) => pod.metadata.labels?.[revisionHashLabel] === hash, now)
  return [...removeAll(ds, step.toDelete), ...create(ds, step.nodesToSurge, hash)]
}

function statusOf(ds: DaemonSet, pods: readonly Pod[], hash: string, { nodes }: Observed, now: Date): DaemonSetStatus {
  const placed = byNode(pods)
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 }
  for (const node of nodes) {
    const here = placed.get(node.metadata.name) ?? []
    if (!fitness(ds, node).shouldRun) {
      if (here.length > 0) counts.misscheduled++
      continue
    }
    counts.desired++
    const active = here.filter(isActive)
    const newest = active.find(({ metadata }) => metadata.labels?.[revisionHashLabel] === hash)
    if (here.length > 0) counts.current++
    if (active.some(isReady)) counts.ready++
    if (active.some((pod) => isAvailable(pod, ds.spec.minReadySeconds ?? 0, now))) counts.available++
    if (newest) counts.updated++
  }
  return {
    currentNumberScheduled: counts.current,
    desiredNumberScheduled: counts.desired,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    updatedNumberScheduled: nonZero(counts.updated),
    numberAvailable: nonZero(counts.available),
    numberUnavailable: nonZero(counts.desired - counts.available),
    observedGeneration: ds.metadata.generation,
    collisionCount: ds.status?.collisionCount,
    conditions: ds.status?.conditions,
  }
}
