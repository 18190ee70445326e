/** What a job's podFailurePolicy makes of one failed pod: the first rule that matches decides. Pure. */
import type { Job, Pod, PodFailurePolicyRule } from '../../../api/generated/types.ts'

export interface Verdict {
  action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count'
  message: string
}

const counted: Verdict = { action: 'Count', message: '' }

export function judgeFailure(job: Job, pod: Pod): Verdict {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const message = matchExitCodes(rule, pod, index) ?? matchConditions(rule, pod, index)
    if (message !== null) return { action: rule.action as Verdict['action'], message }
  }
  return counted
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

function matchExitCodes({ onExitCodes, action }: PodFailurePolicyRule, pod: Pod, index: number): string | null {
  if (!onExitCodes) return null
  for (const { name, state } of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const exitCode = state?.terminated?.exitCode
    if (!exitCode || (onExitCodes.containerName && onExitCodes.containerName !== name)) continue
    const listed = (onExitCodes.values ?? []).includes(exitCode)
    if (listed === (onExitCodes.operator === 'In')) {
      return `Container ${name} for pod ${nameOf(pod)} failed with exit code ${exitCode} matching ${action} rule at index ${index}`
    }
  }
  return null
}

function matchConditions({ onPodConditions, action }: PodFailurePolicyRule, pod: Pod, index: number): string | null {
  for (const pattern of onPodConditions ?? []) {
    const found = pod.status?.conditions?.some(
      ({ type, status }) => type === pattern.type && status === (pattern.status ?? 'True'),
    )
    if (found) return `Pod ${nameOf(pod)} has condition ${pattern.type} matching ${action} rule at index ${index}`
  }
  return null
}
