/** Carries out what was planned for a pod, each task on its own, and keeps what came of it. */
import type { KubeletContext } from '../kubelet-context.ts'
import type { PodAction } from './plan-pod.ts'
import type { PodFacts } from './pod-facts.ts'
import { podText } from './pod-spec.ts'
import type { PodState } from './pod-state.ts'
import { fullRuntimeMessage } from '../runtime/cri-client.ts'
import { kill, preStop, removeContainer, shortenGrace } from './tasks/end.ts'
import { ensureImage } from './tasks/image.ts'
import { finish, forget, release } from './tasks/leave.ts'
import { createPodScope, nowMs, type PodScope, type TaskHooks } from './tasks/pod-scope.ts'
import { resize } from './tasks/resize.ts'
import { createSandbox, removeSandbox, stopSandbox } from './tasks/sandbox.ts'
import { start } from './tasks/start.ts'
import { prepareVolumes, refreshVolumes } from './tasks/volumes.ts'
import type { VolumePlace } from '../volumes/volume-kind.ts'

export interface PodTasks {
  facts(): PodFacts
  volumes(): ReadonlyMap<string, VolumePlace>
  start(key: string, action: PodAction): void
  /** What needs no task: a wait that began, a verdict. */
  note(action: PodAction): void
  /** What the pod names has changed: volumes follow, and what failed for its sake is tried again. */
  objectsChanged(): void
  nextRefreshMs(): number | undefined
  refreshIfDue(): void
  forget(): Promise<void>
}

export function createPodTasks(state: PodState, context: KubeletContext, hooks: TaskHooks): PodTasks {
  const scope = createPodScope(state, context, hooks)
  const { events, logger } = context
  const { tokens, volumes } = scope
  return {
    facts: () => ({ ...state, probes: state.probes() }),
    volumes: volumes.places,
    start(key, action) {
      if (state.busy.has(key)) return
      state.busy.add(key)
      perform(scope, action)
        .catch((error: unknown) => {
          logger.warn('pod task failed', { pod: podText(state.pod), task: key, error: String(error) })
          state.notBefore.set(key, nowMs(scope) + 1000)
          if (action.do === 'kill-container' || action.do === 'stop-sandbox')
            events.pod(state.pod, 'Warning', 'FailedKillPod', `error killing pod: ${fullRuntimeMessage(error)}`)
        })
        .finally(() => {
          state.busy.delete(key)
          hooks.wake()
        })
    },
    note(action) {
      if (action.do === 'fail-pod') {
        state.verdict = action.verdict
        events.pod(state.pod, 'Normal', action.verdict.reason, action.verdict.message)
        hooks.wake()
      }
      if (action.do !== 'back-off' || state.waiting.get(action.container)?.message === action.message) return
      state.waiting.set(action.container, { reason: 'CrashLoopBackOff', message: action.message })
      const text = `Back-off restarting failed container ${action.container} in pod ${podText(state.pod)}`
      events.container(state.pod, { name: action.container }, 'Warning', 'BackOff', text)
    },
    objectsChanged() {
      for (const key of state.notBefore.keys()) if (key === 'volumes' || key.startsWith('start/')) state.notBefore.delete(key)
      refreshVolumes(scope)
    },
    nextRefreshMs: () => (state.released ? undefined : tokens.nextRefreshMs()),
    refreshIfDue() {
      if ((tokens.nextRefreshMs() ?? Infinity) <= nowMs(scope)) refreshVolumes(scope)
    },
    forget: () => forget(scope),
  }
}

function perform(scope: PodScope, action: PodAction): Promise<void> {
  switch (action.do) {
    case 'prepare-volumes':
      return prepareVolumes(scope)
    case 'create-sandbox':
      return createSandbox(scope, action.attempt)
    case 'ensure-image':
      return ensureImage(scope, action.container)
    case 'start-container':
      return start(scope, action.container, action.attempt)
    case 'pre-stop':
      return preStop(scope, action.id, action.container, action.graceSeconds)
    case 'kill-container':
      if (action.final) scope.state.endingSinceMs ??= nowMs(scope)
      return kill(scope, action.id, action.container, action.graceSeconds, action.why)
    case 'shorten-grace':
      return shortenGrace(scope, action.id, action.graceSeconds)
    case 'stop-sandbox':
      return stopSandbox(scope, action.id)
    case 'remove-sandbox':
      return removeSandbox(scope, action.id)
    case 'resize-container':
      return resize(scope, action.id, action.container)
    case 'remove-container':
      return removeContainer(scope, action.id)
    case 'release':
      return release(scope)
    case 'finish':
      return finish(scope)
    default:
      return Promise.resolve()
  }
}
