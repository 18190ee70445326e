/** The workers of this node, one a pod: a pod that is new here is judged before it starts, and all share what the node has. */
import type { Pod } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import { judgePressure, planPlacement, wrongNode } from '../admission.ts'
import type { NodePressure } from '../eviction/thresholds.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { asksForLabels, matchesNode } from '../node/node-match.ts'
import { judgePolicy, type NodePolicy } from '../node/node-policy.ts'
import { shuttingDown } from '../node/node-shutdown.ts'
import type { Verdict } from './pod-facts.ts'
import { isTerminal } from './pod-spec.ts'
import { createPodWorker, type PodWorker } from './pod-worker.ts'
import { judgeResize } from './resize.ts'

export interface PodWorkers {
  all(): PodWorker[]
  get(uid: string): PodWorker | undefined
  find(namespace: string, name: string): PodWorker | undefined
  /** The pod whose container or sandbox this is, as far as its worker has seen it. */
  ownerOf(id: string): string | undefined
  /** `own` is what this worker has instead of what all share. */
  add(pod: Pod, own?: KubeletContext): void
  /** From now on new pods are refused: the node is about to go down. */
  refuse(): void
}

export interface PodWorkersOptions {
  policy: NodePolicy
  pressures?: (() => ReadonlySet<NodePressure>) | undefined
  /** Whether the runtime holds something of the pod, so that it is taken over and not judged. */
  hasTraces(uid: string): boolean
  /** No trace of the pod is left. */
  forgotten(pod: Pod): void
}

export function createPodWorkers(context: KubeletContext, options: PodWorkersOptions): PodWorkers {
  const { logger } = context
  const workers = new Map<string, PodWorker>()
  let refusing = false

  const all = () => [...workers.values()]
  const activePods = () => all().flatMap((worker) => (worker.isOver() ? [] : worker.pod()))
  const othersOf = (pod: Pod) => activePods().filter((other) => other.metadata.uid !== pod.metadata.uid)

  const judge = (pod: Pod): Verdict | undefined =>
    (refusing ? shuttingDown() : undefined) ??
    judgePolicy(pod, options.policy) ??
    planPlacement(pod, othersOf(pod), context.allocatable) ??
    judgePressure(pod, options.pressures?.() ?? new Set())

  function add(pod: Pod, own = context): void {
    const { uid, deletionTimestamp } = pod.metadata
    const isNew = !options.hasTraces(uid) && !isTerminal(pod) && !deletionTimestamp && !pod.status?.startTime
    const worker = createPodWorker(pod, {
      context: own,
      isNew,
      judgeResize: (version) => judgeResize(version, othersOf(version), context.allocatable),
      onForgotten: () => forget(worker),
    })
    workers.set(uid, worker)
    shareProcessor()
    const verdict = isNew ? judge(pod) : undefined
    if (verdict) return reject(worker, verdict)
    worker.start()
    if (isNew && asksForLabels(pod))
      checkLabels(worker).catch((error: unknown) => logger.warn('cannot check a pod against its node', { error: String(error) }))
  }

  /** Asked of the API, for labels may have changed a moment before the pod was bound; meanwhile the pod is being made ready. */
  async function checkLabels(worker: PodWorker): Promise<void> {
    const node = await context.client.get('Node', { name: context.nodeName })
    if (!matchesNode(worker.pod(), node)) reject(worker, wrongNode())
  }

  function reject(worker: PodWorker, verdict: Verdict): void {
    context.events.pod(worker.pod(), 'Warning', verdict.reason, verdict.message)
    worker.fail({ ...verdict, message: `Pod was rejected: ${verdict.message}`, rejected: true })
  }

  function forget(worker: PodWorker): void {
    workers.delete(worker.uid)
    shareProcessor()
    for (const other of all()) other.roomChanged()
    options.forgotten(worker.pod())
  }

  function shareProcessor(): void {
    try {
      context.cgroups.balance(activePods())
    } catch (error) {
      logger.warn('cannot share processor time between classes of pods', { error: String(error) })
    }
  }

  return {
    all,
    get: (uid) => workers.get(uid),
    find: (namespace, name) => all().findLast((worker) => keyOf(worker.pod()) === `${namespace}/${name}`),
    ownerOf: (id) => all().find((worker) => holds(worker, id))?.uid,
    add,
    refuse() {
      refusing = true
    },
  }
}

const holds = ({ runtime }: PodWorker, id: string): boolean =>
  [...runtime().containers, ...runtime().sandboxes].some((item) => item.id === id)
