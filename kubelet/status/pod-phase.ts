/** Pure: the phase of a pod from its containers' states, as upstream decides it. */
import type { Container, ContainerStatus, Pod } from '../../api/generated/types.ts'
import { isSidecar } from '../pods/pod-spec.ts'

type Tally = { unknown: number; waiting: number; running: number; stopped: number; succeeded: number }

/** `over`: the pod is on its way out and nothing of it runs any more. */
export function computePhase(pod: Pod, statuses: { init: ContainerStatus[]; main: ContainerStatus[] }, over: boolean): string {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const inits = (pod.spec.initContainers ?? []).map((container) => ({ container, status: find(statuses.init, container) }))
  const plain = inits.filter(({ container }) => !isSidecar(container))
  const sidecars = inits.filter(({ container }) => isSidecar(container))
  const main = tally(statuses.main)

  const failedInit = plain.some(({ status }) => (exitCodeOf(status) ?? 0) !== 0)
  if (failedInit && (policy === 'Never' || over)) return 'Failed'
  const pendingInit = plain.some(({ status }) => !status?.state?.terminated)
  const anyMain = main.running + main.stopped > 0
  const pendingSidecar = sidecars.some(({ status }) => !status?.started && !status?.state?.terminated)

  if (over)
    return main.stopped > 0 && main.stopped === main.succeeded && main.waiting === 0 && !pendingInit ? 'Succeeded' : 'Failed'
  if (pendingInit && !anyMain) return 'Pending'
  if (failedInit && !anyMain) return 'Pending'
  if (pendingSidecar && !anyMain) return 'Pending'
  if (main.waiting > 0) return 'Pending'
  if (main.running > 0) return 'Running'
  if (main.stopped === 0) return 'Pending'
  if (policy === 'Always') return 'Running'
  if (sidecars.some(({ status }) => status?.state?.running)) return 'Running'
  if (main.stopped === main.succeeded) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}

const find = (statuses: ContainerStatus[], { name }: Container): ContainerStatus | undefined =>
  statuses.find((status) => status.name === name)

const exitCodeOf = (status: ContainerStatus | undefined): number | undefined =>
  (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode

function tally(statuses: ContainerStatus[]): Tally {
  const count: Tally = { unknown: 0, waiting: 0, running: 0, stopped: 0, succeeded: 0 }
  for (const { state, lastState } of statuses) {
    if (state?.running) count.running++
    else if (state?.terminated) {
      count.stopped++
      if (state.terminated.exitCode === 0) count.succeeded++
    } else if (state?.waiting) {
      // A container between two runs has stopped; one that never ran waits.
      if (lastState?.terminated) count.stopped++
      else count.waiting++
    } else count.unknown++
  }
  return count
}
