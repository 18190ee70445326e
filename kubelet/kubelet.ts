/** The node agent: keeps a worker for each pod that the API has for this node, and ends what the API does not know. */
import type { Pod } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import { createInformer, type Informer } from '../client/informer.ts'
import { sourceOf } from '../client/shared-informers.ts'
import type { NodePressure } from './eviction/thresholds.ts'
import type { KubeletContext } from './kubelet-context.ts'
import type { NodePolicy } from './node/node-policy.ts'
import { createOrphanEnder } from './pods/orphans.ts'
import type { PodWorker } from './pods/pod-worker.ts'
import { createPodWorkers, type PodWorkers } from './pods/pod-workers.ts'
import { watchRuntime } from './runtime/runtime-watch.ts'
import { isMirror } from './static-pods/mirror-pods.ts'
import { startStaticPods, type StaticPods } from './static-pods/static-pods.ts'

export interface Kubelet {
  /** Pods of this node as the API has them. */
  pods(): Pod[]
  worker(uid: string): PodWorker | undefined
  findPod(namespace: string, name: string): PodWorker | undefined
  /** Resolves once the API's pods are known and their workers run. */
  started: Promise<void>
  /** From now on new pods are refused: the node is about to go down. */
  refuse(): void
  stop(): Promise<void>
}

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
  const { clock, logger, client, nodeName } = context
  const stop = new AbortController()
  const informer = createInformer<Pod>(sourceOf(client, 'Pod', { fieldSelector: `spec.nodeName=${nodeName}` }), {
    name: 'pods of this node',
    clock,
    logger,
  })
  const workers = createPodWorkers(context, {
    ...options,
    hasTraces: (uid) => runtime.holds(uid),
    forgotten: (pod) => statics.forgotten(pod),
  })
  const endOrphans = createOrphanEnder(context)
  const runtime = watchRuntime({
    context,
    ownerOf: workers.ownerOf,
    changed: (uid, exited) => workers.get(uid)?.runtimeChanged(exited),
    listed(sandboxes) {
      if (informer.hasSynced()) endOrphans(sandboxes.filter(({ metadata }) => !workers.get(metadata.uid)))
    },
  })
  const statics = startStaticPods({
    context,
    manifestPath: options.podManifestPath,
    checkFrequencyMs: options.fileCheckFrequencyMs ?? manifestCheckMs,
    start: (pod) => workers.add(pod, { ...context, statuses: statics.statuses }),
    update: (pod) => workers.get(pod.metadata.uid)?.update(pod),
    end: (uid) => workers.get(uid)?.gone(),
  })
  followApi(informer, workers, statics)

  async function start(): Promise<void> {
    // Who owns what must be known first: a pod that runs already is taken over, not judged as a new one.
    await runtime.relist()
    await statics.started
    informer.run(stop.signal).catch((error: unknown) => logger.error('pod informer ended', { error }))
    await informer.whenSynced()
    await runtime.relist()
  }
  const started = start()
  const relisting = runtime.run(stop.signal)

  return {
    pods: () => workers.all().map((worker) => worker.pod()),
    worker: workers.get,
    findPod: workers.find,
    started,
    refuse: workers.refuse,
    async stop() {
      stop.abort()
      runtime.stop()
      statics.stop()
      for (const worker of workers.all()) worker.stop()
      await relisting
    },
  }
}

/** A mirror pod is not run: it only shows a static pod in the API. */
function followApi(informer: Informer<Pod>, workers: PodWorkers, statics: StaticPods): void {
  informer.addHandlers({
    added: (pod) => (isMirror(pod) ? statics.mirrorChanged(keyOf(pod), pod) : workers.add(pod)),
    updated: (pod) => (isMirror(pod) ? statics.mirrorChanged(keyOf(pod), pod) : workers.get(pod.metadata.uid)?.update(pod)),
    deleted(pod) {
      if (isMirror(pod)) return statics.mirrorChanged(keyOf(pod), undefined)
      const worker = workers.get(pod.metadata.uid)
      worker?.update(pod)
      worker?.gone()
    },
  })
}
