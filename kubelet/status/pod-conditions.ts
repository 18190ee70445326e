/** Pure: the conditions that the kubelet owns on a pod; a transition time moves only when the status does. */
import type { Container, ContainerStatus, Pod, PodCondition } from '../../api/generated/types.ts'
import type { PodFacts } from '../pods/pod-facts.ts'
import { isSidecar } from '../pods/pod-spec.ts'

interface Statuses {
  init: ContainerStatus[]
  main: ContainerStatus[]
}

type Judged = Pick<PodCondition, 'status'> & { reason?: string; message?: string }

const yes: Judged = { status: 'True' }
const no = (reason: string, message: string): Judged => ({ status: 'False', reason, message })

export function computeConditions(pod: Pod, statuses: Statuses, phase: string, networked: boolean, now: string): PodCondition[] {
  const containersReady = judgeContainersReady(pod, statuses, phase)
  const judged: [string, Judged][] = [
    ['PodReadyToStartContainers', networked ? yes : { status: 'False' }],
    ['Initialized', judgeInitialized(pod, statuses, phase)],
    ['Ready', judgeReady(pod, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', yes],
  ]
  return judged.map(([type, condition]) => {
    const old = pod.status?.conditions?.find((candidate) => candidate.type === type)
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now
    const observedGeneration = pod.metadata.generation
    return { type, ...condition, lastTransitionTime, ...(observedGeneration === undefined ? {} : { observedGeneration }) }
  })
}

/** What ended for the node's sake is not the workload's failure: controllers may count it apart. */
export function computeDisruption(pod: Pod, { verdict }: PodFacts, now: string): PodCondition[] {
  if (verdict?.reason !== 'Evicted' && verdict?.reason !== 'Terminated') return []
  const old = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
  const { message } = verdict
  const lastTransitionTime = old?.lastTransitionTime ?? now
  return [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message, lastTransitionTime }]
}

/** There only while a resize waits or is under way. */
export function computeResizeConditions(pod: Pod, { resizeProblem, resizeError, busy }: PodFacts, now: string): PodCondition[] {
  const under = resizeError !== undefined || [...busy].some((key) => key.startsWith('resize/'))
  const condition = (type: string, more: object): PodCondition => {
    const old = pod.status?.conditions?.find((candidate) => candidate.type === type)
    const observedGeneration = pod.metadata.generation
    return {
      type,
      status: 'True',
      ...more,
      lastTransitionTime: old?.lastTransitionTime ?? now,
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
    }
  }
  return [
    ...(resizeProblem ? [condition('PodResizePending', resizeProblem)] : []),
    ...(under ? [condition('PodResizeInProgress', resizeError ? { reason: 'Error', message: resizeError } : {})] : []),
  ]
}

function judgeInitialized(pod: Pod, { init, main }: Statuses, phase: string): Judged {
  const containers = pod.spec.initContainers ?? []
  if (containers.length === 0) return yes
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  // Once a main container has run, initialization is over, whatever has become of the records.
  if (main.some(({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated)) return yes
  const incomplete = containers.filter((container) => {
    const status = init.find(({ name }) => name === container.name)
    return isSidecar(container) ? !status?.started : !status?.ready
  })
  if (incomplete.length === 0) return yes
  return no('ContainersNotInitialized', `containers with incomplete status: ${list(incomplete)}`)
}

function judgeContainersReady(pod: Pod, { init, main }: Statuses, phase: string): Judged {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const unready = [...sidecars, ...pod.spec.containers].filter(
    (container) => ![...init, ...main].find(({ name }) => name === container.name)?.ready,
  )
  return unready.length === 0 ? yes : no('ContainersNotReady', `containers with unready status: ${list(unready)}`)
}

function judgeReady(pod: Pod, containersReady: Judged): Judged {
  if (containersReady.status !== 'True') return containersReady
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType)
    if (!gate) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return gate.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`]
  })
  return problems.length === 0 ? yes : no('ReadinessGatesNotReady', problems.join(', '))
}

const list = (containers: Container[]): string => `[${containers.map(({ name }) => name).join(' ')}]`
