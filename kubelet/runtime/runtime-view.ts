/** When one pod's runtime is to be looked at again, and at how much of it: all, or only what the kubelet itself has made. */
import type { Clock } from '../../component/clock.ts'
import type { Made, PodRuntime, PodRuntimeReader } from './pod-runtime.ts'

export interface RuntimeView {
  sandboxMade(id: string): void
  containerMade(id: string, sandboxId: string): void
  /** Anything may be new; `exited` names a container that is known to have ended. */
  changed(exited?: string): void
  needsLook(): boolean
  look(before: PodRuntime): Promise<PodRuntime>
}

export interface RuntimeViewOptions {
  uid: string
  reader: PodRuntimeReader
  clock: Clock
  /** The runtime holds nothing of the pod yet: a first look would find nothing. */
  isNew: boolean
  /** It is time to look again for an exit that was told and that did not show. */
  lookAgain(): void
}

/** How long to wait for an exit that containerd has told and CRI does not show yet. */
const settleMs = [2, 5, 10, 20, 50, 100, 200, 500]

export function createRuntimeView({ uid, reader, clock, isNew, lookAgain }: RuntimeViewOptions): RuntimeView {
  const made: Made = { sandboxes: new Set(), containers: new Map() }
  const expected = new Set<string>()
  let settling = 0
  let stale = !isNew

  function awaitExits({ containers, sandboxes }: PodRuntime): void {
    const alive = new Set([
      ...containers.filter((container) => container.state !== 'exited').map(({ id }) => id),
      ...sandboxes.filter(({ ready }) => ready).map(({ id }) => id),
    ])
    for (const id of expected) if (!alive.has(id)) expected.delete(id)
    const waitMs = expected.size > 0 ? settleMs[settling++] : undefined
    if (waitMs !== undefined) clock.setTimeout(lookAgain, waitMs)
  }

  return {
    sandboxMade: (id) => void made.sandboxes.add(id),
    containerMade: (id, sandboxId) => void made.containers.set(id, sandboxId),
    changed(exited) {
      if (exited) {
        expected.add(exited)
        settling = 0
      }
      stale = true
    },
    needsLook: () => stale || made.sandboxes.size + made.containers.size > 0,
    async look(before) {
      const own: Made = { sandboxes: new Set(made.sandboxes), containers: new Map(made.containers) }
      made.sandboxes.clear()
      made.containers.clear()
      const all = stale
      stale = false
      const runtime = all ? await reader.read(uid) : await reader.readMade(before, own)
      awaitExits(runtime)
      return runtime
    },
  }
}
