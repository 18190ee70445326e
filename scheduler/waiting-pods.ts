/** Pods that have a node and wait for permit plugins to let them go: until each has, one rejects, or the time is up. */
import type { Clock } from '../component/clock.ts'
import type { WaitingPods } from './framework.ts'
import type { PodInfo } from './pod-info.ts'

export class PermitRejectedError extends Error {
  override name = 'PermitRejectedError'
  /** Empty: no plugin has a word against it; the pod is gone, or the scheduler stops. */
  plugin: string
  constructor(plugin: string, reason: string) {
    super(reason)
    this.plugin = plugin
  }
}

export interface OpenWaitingPods extends WaitingPods {
  /** Resolves when all plugins allow it; rejects with a PermitRejectedError. */
  wait(pod: PodInfo, timeouts: ReadonlyMap<string, number>): Promise<void>
  /** Nobody waits any more. */
  close(): void
}

/** Upstream's bound on what a plugin may ask for. */
const maxWaitMs = 15 * 60_000

interface Waiting {
  pod: PodInfo
  cancels: Map<string, () => void>
  resolve: () => void
  reject: (error: Error) => void
}

export function createWaitingPods(clock: Clock): OpenWaitingPods {
  const waiting = new Map<string, Waiting>()
  const end = (uid: string): Waiting | undefined => {
    const found = waiting.get(uid)
    waiting.delete(uid)
    for (const cancel of found?.cancels.values() ?? []) cancel()
    return found
  }
  const reject = (uid: string, plugin: string, reason: string) => end(uid)?.reject(new PermitRejectedError(plugin, reason))
  return {
    has: (uid) => waiting.has(uid),
    list: () => Array.from(waiting.values(), ({ pod }) => pod),
    pluginsOf: (uid) => [...(waiting.get(uid)?.cancels.keys() ?? [])],
    reject,
    allow(uid, plugin) {
      const { cancels } = waiting.get(uid) ?? {}
      cancels?.get(plugin)?.()
      cancels?.delete(plugin)
      if (cancels?.size === 0) end(uid)?.resolve()
    },
    wait(pod, timeouts) {
      const { promise, resolve, reject: fail } = Promise.withResolvers<void>()
      const cancels = new Map(
        Array.from(timeouts, ([plugin, asked]) => {
          const waitMs = Math.min(asked, maxWaitMs)
          const reason = `rejected due to timeout after waiting ${waitMs / 1000}s at plugin ${plugin}`
          return [plugin, clock.setTimeout(() => reject(pod.uid, plugin, reason), waitMs)] as const
        }),
      )
      waiting.set(pod.uid, { pod, cancels, resolve, reject: fail })
      return promise
    },
    close() {
      for (const uid of [...waiting.keys()]) reject(uid, '', 'the scheduler stops')
    },
  }
}
