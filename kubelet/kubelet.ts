/** The node agent: keeps a worker for each pod that the API has for this node, and ends what the API does not know. */
import type { Pod } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import { createInformer } from '../client/informer.ts'
import { sourceOf } from '../client/shared-informers.ts'
import { judgePressure, planPlacement, wrongNode } from './admission.ts'
import type { NodePressure } from './eviction/thresholds.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { asksForLabels, matchesNode } from './node/node-match.ts'
import type { Verdict } from './pod-facts.ts'
import { judgePolicy, type NodePolicy } from './node/node-policy.ts'
import { shuttingDown } from './node/node-shutdown.ts'
import { isTerminal } from './pod-spec.ts'
import { judgeResize } from './resize.ts'
import { createPodWorker, type PodWorker } from './pod-worker.ts'
import { removeOrphan } from './orphans.ts'
import { labels } from './runtime/labels.ts'
import { isMirror } from './static-pods/mirror-pods.ts'
import { startStaticPods } from './static-pods/static-pods.ts'

export interface Kubelet {
  /** Pods of this node as the API has them. */
  pods(): Pod[]
  worker(uid: string): PodWorker | undefined
  findPod(namespace: string, name: string): PodWorker | undefined
  /** Resolves once the API's pods are known and their workers run. */
  started: Promise<void>
  /** From now on new pods are refused: the node is about to go down. */
  refuse(): void
  /** Looks at everything anew. */
  relist(): Promise<void>
  stop(): Promise<void>
}

/** With the event stream up this only guards against what the stream may lose. */
const relistMs = 30_000
const relistWithoutEventsMs = 1000
/** As upstream's `--file-check-frequency`; changes are heard of from the kernel at once. */
const manifestCheckMs = 20_000

export interface KubeletStart {
  /** Where the manifests of static pods are. */
  podManifestPath?: string | undefined
  fileCheckFrequencyMs?: number | undefined
  pressures?: (() => ReadonlySet<NodePressure>) | undefined
  policy: NodePolicy
}

export function startKubelet(context: KubeletContext, options: KubeletStart): Kubelet {
  const { clock, cri, logger, client, nodeName } = context
  const workers = new Map<string, PodWorker>()
  /** Which pod each container and sandbox belongs to. */
  const owners = new Map<string, string>()
  const states = new Map<string, string>()
  const orphans = new Set<string>()
  const stop = new AbortController()
  let refusing = false

  const informer = createInformer<Pod>(sourceOf(client, 'Pod', { fieldSelector: `spec.nodeName=${nodeName}` }), {
    name: 'pods of this node',
    clock,
    logger,
  })

  const othersOf = (pod: Pod): Pod[] =>
    [...workers.values()].filter((other) => other.uid !== pod.metadata.uid && !other.isOver()).map((other) => other.pod())

  const judge = (pod: Pod): Verdict | undefined =>
    (refusing ? shuttingDown() : undefined) ??
    judgePolicy(pod, options.policy) ??
    planPlacement(pod, othersOf(pod), context.allocatable) ??
    judgePressure(pod, options.pressures?.() ?? new Set())

  function add(pod: Pod, own: KubeletContext = context): void {
    const known = [...owners.values()].includes(pod.metadata.uid)
    const fresh = !known && !isTerminal(pod) && !pod.metadata.deletionTimestamp && !pod.status?.startTime
    const worker = createPodWorker(pod, {
      context: own,
      isNew: fresh,
      judgeResize: (version) => judgeResize(version, othersOf(version), context.allocatable),
      onForgotten: (uid) => {
        workers.delete(uid)
        balance()
        for (const other of workers.values()) other.roomChanged()
        statics.forgotten(worker.pod())
      },
    })
    workers.set(pod.metadata.uid, worker)
    balance()
    const verdict = fresh ? judge(pod) : undefined
    if (verdict) return reject(worker, verdict)
    worker.start()
    if (fresh && asksForLabels(pod))
      checkLabels(worker).catch((error: unknown) => logger.warn('cannot check a pod against its node', { error: String(error) }))
  }

  function balance(): void {
    const active = [...workers.values()].filter((worker) => !worker.isOver()).map((worker) => worker.pod())
    try {
      context.cgroups.balance(active)
    } catch (error) {
      logger.warn('cannot share processor time between classes of pods', { error: String(error) })
    }
  }

  function reject(worker: PodWorker, verdict: Verdict): void {
    context.events.pod(worker.pod(), 'Warning', verdict.reason, verdict.message)
    worker.fail({ ...verdict, message: `Pod was rejected: ${verdict.message}`, rejected: true })
  }

  /** Asked of the API, for labels may have changed a moment before the pod was bound; meanwhile the pod is being made ready. */
  async function checkLabels(worker: PodWorker): Promise<void> {
    const node = await client.get('Node', { name: nodeName })
    if (!matchesNode(worker.pod(), node)) reject(worker, wrongNode())
  }

  const statics = startStaticPods({
    context,
    manifestPath: options.podManifestPath,
    checkFrequencyMs: options.fileCheckFrequencyMs ?? manifestCheckMs,
    start: (pod) => add(pod, { ...context, statuses: statics.statuses }),
    update: (pod) => workers.get(pod.metadata.uid)?.update(pod),
    end: (uid) => workers.get(uid)?.gone(),
  })

  informer.addHandlers({
    added: (pod) => (isMirror(pod) ? statics.mirrorChanged(keyOf(pod), pod) : add(pod)),
    updated: (pod) => (isMirror(pod) ? statics.mirrorChanged(keyOf(pod), pod) : workers.get(pod.metadata.uid)?.update(pod)),
    deleted: (pod) => {
      if (isMirror(pod)) return statics.mirrorChanged(keyOf(pod), undefined)
      const worker = workers.get(pod.metadata.uid)
      worker?.update(pod)
      worker?.gone()
    },
  })

  async function relist(): Promise<void> {
    const [{ items }, { containers }] = await Promise.all([cri.call('ListPodSandbox', {}), cri.call('ListContainers', {})])
    const seen = new Map<string, { uid: string; state: string }>()
    for (const { id, state, labels: own } of [...items, ...containers]) seen.set(id, { uid: own[labels.podUid] ?? '', state })
    const changed = new Set<string>()
    for (const [id, { uid, state }] of seen) {
      if (states.get(id) !== state) changed.add(uid)
      owners.set(id, uid)
      states.set(id, state)
    }
    for (const id of states.keys()) {
      if (seen.has(id)) continue
      changed.add(owners.get(id) ?? '')
      states.delete(id)
      owners.delete(id)
    }
    for (const uid of changed) workers.get(uid)?.runtimeChanged()
    if (informer.hasSynced()) for (const { metadata, annotations } of items) endOrphan(metadata, annotations)
  }

  async function findOwner(id: string): Promise<void> {
    const [{ containers }, { items }] = await Promise.all([
      cri.call('ListContainers', { filter: { id } }),
      cri.call('ListPodSandbox', { filter: { id } }),
    ])
    const uid = (containers[0] ?? items[0])?.labels[labels.podUid]
    if (uid) workers.get(uid)?.runtimeChanged(id)
  }

  /** A pod that was deleted while no kubelet looked. */
  function endOrphan(metadata: { uid: string; namespace: string; name: string }, annotations: Record<string, string>): void {
    const { uid } = metadata
    if (workers.has(uid) || orphans.has(uid)) return
    orphans.add(uid)
    logger.info('ending a pod that the API does not know', metadata)
    removeOrphan(metadata, annotations, context)
      .catch((error: unknown) => logger.warn('cannot end an orphaned pod', { ...metadata, error: String(error) }))
      .finally(() => orphans.delete(uid))
  }

  const events = context.platform.subscribe({
    clock,
    logger,
    onEvent: ({ containerId }) => {
      const uid = owners.get(containerId) ?? ownerIn(workers, containerId)
      if (uid) return workers.get(uid)?.runtimeChanged(containerId)
      // It may have ended before its worker had seen it start.
      findOwner(containerId).catch((error: unknown) =>
        logger.warn('cannot tell whose container ended', { containerId, error: String(error) }),
      )
    },
    onReset: () => void relistSafely(),
  })

  const relistSafely = () =>
    relist().catch((error: unknown) => logger.warn('cannot list what the runtime holds', { error: String(error) }))
  const relistLoop = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(events.connected() ? relistMs : relistWithoutEventsMs, stop.signal)
      if (!stop.signal.aborted) await relistSafely()
    }
  }

  const started = (async () => {
    // Who owns what must be known first: a pod that runs already is taken over, not judged as a new one.
    await relistSafely()
    await statics.started
    informer.run(stop.signal).catch((error: unknown) => logger.error('pod informer ended', { error }))
    await informer.whenSynced()
    await relistSafely()
  })()
  const loops = relistLoop()

  return {
    pods: () => [...workers.values()].map((worker) => worker.pod()),
    worker: (uid) => workers.get(uid),
    findPod: (namespace, name) => [...workers.values()].findLast((worker) => keyOf(worker.pod()) === `${namespace}/${name}`),
    started,
    refuse() {
      refusing = true
    },
    relist,
    async stop() {
      stop.abort()
      events.stop()
      statics.stop()
      for (const worker of workers.values()) worker.stop()
      await loops
    },
  }
}

const ownerIn = (workers: ReadonlyMap<string, PodWorker>, id: string): string | undefined =>
  [...workers.values()].find(({ runtime }) => [...runtime().containers, ...runtime().sandboxes].some((item) => item.id === id))
    ?.uid
