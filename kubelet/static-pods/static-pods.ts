/** The static pods of this node: started and ended as their manifests come and go, their status told through their mirrors. */
import type { Pod } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import { createMirrorPods, withMirrorStatus } from './mirror-pods.ts'
import { watchManifests } from './watch-manifests.ts'

export interface StaticPodOptions {
  context: KubeletContext
  manifestPath: string | undefined
  checkFrequencyMs: number
  start(pod: Pod): void
  update(pod: Pod): void
  end(uid: string): void
}

export interface StaticPods {
  /** Resolves once the manifests have been read. */
  started: Promise<void>
  isStatic(uid: string): boolean
  /** A mirror pod came, changed, or went (`undefined`). */
  mirrorChanged(key: string, mirror: Pod | undefined): void
  /** No trace of the pod is left: one of the same name, that had to wait, may start. */
  forgotten(pod: Pod): void
  /** Writes the status of a static pod to its mirror. */
  statuses: StatusWriter
  stop(): void
}

export function startStaticPods(options: StaticPodOptions): StaticPods {
  const { context, manifestPath } = options
  const wanted = new Map<string, Pod>()
  const running = new Map<string, Pod>()
  const mirrors = new Map<string, Pod>()
  const mirrorPods = createMirrorPods({
    ...context,
    pod: (key) => wanted.get(key),
    mirror: (key) => mirrors.get(key),
  })

  /** A new version waits until the old one has ended: both have one name. */
  function settle(key: string): void {
    const [want, runs] = [wanted.get(key), running.get(key)]
    mirrorPods.sync(key)
    if (want?.metadata.uid === runs?.metadata.uid) return
    if (runs) return options.end(runs.metadata.uid)
    running.set(key, want!)
    options.start(withMirrorStatus(want!, mirrors.get(key)))
  }

  function setWanted(pods: readonly Pod[]): void {
    const before = [...wanted.keys()]
    wanted.clear()
    for (const pod of pods) wanted.set(keyOf(pod), pod)
    for (const key of new Set([...before, ...wanted.keys()])) settle(key)
  }

  const watching = manifestPath
    ? watchManifests({ ...context, manifestPath, checkFrequencyMs: options.checkFrequencyMs }, setWanted)
    : undefined

  const isStatic = (uid: string) => [...running.values()].some(({ metadata }) => metadata.uid === uid)
  const mirrorOf = (uid: string): Pod | undefined => {
    const [key, pod] = [...running].find(([, { metadata }]) => metadata.uid === uid) ?? []
    const mirror = key === undefined ? undefined : mirrors.get(key)
    return pod && mirror && withMirrorStatus(pod, { ...mirror, status: {} }) !== pod ? mirror : undefined
  }

  return {
    started: watching?.started ?? Promise.resolve(),
    isStatic,
    mirrorChanged(key, mirror) {
      if (mirror) mirrors.set(key, mirror)
      else mirrors.delete(key)
      mirrorPods.sync(key)
      const pod = running.get(key)
      if (pod) options.update(withMirrorStatus(pod, mirror))
    },
    forgotten(pod) {
      const key = keyOf(pod)
      if (running.get(key)?.metadata.uid !== pod.metadata.uid) return
      running.delete(key)
      settle(key)
    },
    statuses: {
      set(pod, status) {
        const mirror = mirrorOf(pod.metadata.uid)
        if (mirror) context.statuses.set(mirror, status)
      },
      get: (uid) => context.statuses.get(mirrorOf(uid)?.metadata.uid ?? ''),
      flush: (uid) => context.statuses.flush(mirrorOf(uid)?.metadata.uid ?? ''),
      forget: (uid) => context.statuses.forget(mirrorOf(uid)?.metadata.uid ?? ''),
    },
    stop() {
      watching?.stop()
      mirrorPods.stop()
    },
  }
}
