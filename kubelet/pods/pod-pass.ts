/** One pass over a pod: looks at what the runtime holds if that may be new, plans, tells the status, has done what was planned. */
import type { KubeletContext } from '../kubelet-context.ts'
import { planPod, type PodAction, taskKey } from './plan-pod.ts'
import { takeRuntime, type PodState } from './pod-state.ts'
import type { PodTasks } from './pod-tasks.ts'
import type { PodProber } from '../probes/prober.ts'
import type { RuntimeView } from '../runtime/runtime-view.ts'
import { computePodStatus } from '../status/pod-status.ts'

export interface PodParts {
  state: PodState
  tasks: PodTasks
  view: RuntimeView
  prober: PodProber
}

export interface PassOutcome {
  /** Nothing of the pod is left to look after. */
  forget: boolean
  /** When a pass is due even if nothing happens; Infinity is never. */
  againAtMs: number
}

export async function passOver({ state, tasks, view, prober }: PodParts, context: KubeletContext): Promise<PassOutcome> {
  if (view.needsLook()) takeRuntime(state, await view.look(state.runtime))
  prober.sync(state.pod, state.runtime)
  const nowMs = context.clock.now().getTime()
  const actions = planPod(state.pod, state.runtime, tasks.facts(), nowMs)
  // The status tells of them too.
  for (const action of actions) if (action.do === 'back-off' || action.do === 'fail-pod') tasks.note(action)
  const status = computePodStatus(state.pod, state.runtime, tasks.facts(), { hostIps: context.nodeIps }, nowMs)
  if (!state.gone) context.statuses.set(state.pod, status)
  for (const action of actions) if (isTask(action)) tasks.start(taskKey(action), action)
  return {
    forget: actions.some((action) => action.do === 'forget'),
    againAtMs: Math.min(...actions.flatMap(dueAtMs), tasks.nextRefreshMs() ?? Infinity),
  }
}

const isTask = ({ do: what }: PodAction): boolean =>
  what !== 'wake' && what !== 'back-off' && what !== 'fail-pod' && what !== 'forget'

function dueAtMs(action: PodAction): number[] {
  if (action.do === 'wake') return [action.atMs]
  if (action.do === 'back-off') return [action.untilMs]
  return []
}
