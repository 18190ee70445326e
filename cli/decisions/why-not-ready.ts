/** Why a pod that has its node is not ready, and why a workload has no pods: by their status and what events say. Pure. */
import { ageOf } from '../../api/duration.ts'
import type { ContainerStatus, CoreEvent, Pod } from '../../api/generated/types.ts'
import { lastSeen } from './event-rows.ts'

/** Empty when there is nothing to say. */
export function whyNotReady(pod: Pod, events: readonly CoreEvent[], now: Date): string {
  const { status } = pod
  if (status?.phase === 'Succeeded' || isTrue(pod, 'Ready')) return ''
  const lines = [
    ...(status?.phase === 'Failed' ? [`It has failed${said(status.reason, status.message)}`] : []),
    ...containerLines(pod, now),
    ...gateLines(pod),
    ...lastWarning(events, now),
    ...adviceLines(pod),
  ]
  return lines.length > 0 ? `It is not ready:\n${lines.map((line) => `  ${line}`).join('\n')}` : ''
}

const isTrue = ({ status }: Pod, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

const said = (reason?: string, message?: string): string =>
  [reason, message]
    .filter(Boolean)
    .map((text) => `: ${text}`)
    .join('')

/** Init containers run one after the other: the first that has not ended holds up all the rest. */
function containerLines({ spec, status }: Pod, now: Date): string[] {
  const sidecars = new Set((spec.initContainers ?? []).flatMap((each) => (each.restartPolicy === 'Always' ? each.name : [])))
  const hasPassed = ({ name, state, started, ready }: ContainerStatus) =>
    sidecars.has(name) ? started === true : ready || state?.terminated?.exitCode === 0
  const holding = status?.initContainerStatuses?.find((each) => !hasPassed(each))
  if (holding) {
    const kind = sidecars.has(holding.name) ? 'its sidecar' : 'its init container'
    return [`${kind} ${holding.name} ${stateOf(holding, now)}; what comes after it waits for it`]
  }
  return (status?.containerStatuses ?? [])
    .filter(({ ready }) => !ready)
    .map((each) => `its container ${each.name} ${stateOf(each, now)}`)
}

function stateOf({ state, lastState, restartCount }: ContainerStatus, now: Date): string {
  const before = lastState?.terminated
  const again = before
    ? ` (it ended with exit code ${before.exitCode}, ${before.reason ?? 'Error'}; ${restartCount} restarts)`
    : ''
  if (state?.running) return `runs since ${ageOf(state.running.startedAt, now)} and is not ready${again}`
  if (state?.terminated)
    return `has ended with exit code ${state.terminated.exitCode}${said(state.terminated.reason, state.terminated.message)}`
  return `waits${said(state?.waiting?.reason, state?.waiting?.message)}${again}`
}

/** What to do about what beginners meet first. */
function adviceLines({ metadata: { name, namespace }, status }: Pod): string[] {
  const advice = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
    ({ name: container, state }) => {
      const { reason, message = '' } = state?.waiting ?? {}
      if (reason === 'CrashLoopBackOff')
        return `'kubelab logs ${name} -n ${namespace} -c ${container} --previous' shows what it wrote before it ended`
      if (/^(ErrImagePull|ImagePullBackOff)$/.test(reason ?? '') && message.includes('network is unreachable'))
        return "its node reaches no registry: 'kubelab image load FILE.tar' brings images to a lab, and one made by 'kubelab up --internet' pulls them"
      return []
    },
  )
  return [...new Set(advice)]
}

const gateLines = (pod: Pod): string[] =>
  (pod.spec.readinessGates ?? [])
    .filter(({ conditionType }) => !isTrue(pod, conditionType))
    .map(({ conditionType }) => `nobody has said that its condition ${conditionType} is true (readinessGates)`)

/** What a kubelet, or whoever it is, complained of last. */
function lastWarning(events: readonly CoreEvent[], now: Date): string[] {
  const last = events.filter(({ type }) => type === 'Warning').toSorted((a, b) => lastSeen(b) - lastSeen(a))[0]
  if (!last) return []
  return [`${last.reason} ${ageOf(new Date(lastSeen(last)).toISOString(), now)} ago: ${(last.message ?? '').trim()}`]
}

/** Claims are bound by others than the scheduler: what they have to say about each that is not. */
export const whyUnbound = (claim: string, events: readonly CoreEvent[], now: Date): string =>
  [`Its claim ${claim} is not bound.`, ...lastWarning(events, now).map((line) => `  ${line}`)].join('\n')

/** What creating its pods was refused for; the pods of a Deployment are created by its replica sets. */
export function whyNoPods(workload: string, name: string, events: readonly CoreEvent[], now: Date): string | null {
  const refusals = events.filter(
    ({ reason, involvedObject }) =>
      reason === 'FailedCreate' && (involvedObject.name === name || involvedObject.name?.startsWith(`${name}-`)),
  )
  const [line] = lastWarning(refusals, now)
  return line ? `No pods of ${workload}: they cannot be created.\n\n  ${line}` : null
}
