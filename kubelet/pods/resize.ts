/** Pure: how a container's resources are changed while it runs. */
import { isDeepStrictEqual } from 'node:util'
import type { Container, Pod, ResourceRequirements } from '../../api/generated/types.ts'
import { computeRequests, measured, planAdmission } from '../admission.ts'

/** Why the pod cannot have what its spec asks for now. */
export interface ResizeProblem {
  reason: 'Infeasible' | 'Deferred'
  message: string
}

export type ResizeNeed = 'none' | 'in-place' | 'restart'

const resizable = ['cpu', 'memory']

const pick = (resources: ResourceRequirements | undefined) =>
  resizable.map((name) => [resources?.requests?.[name], resources?.limits?.[name]])

export const isResized = (wanted: ResourceRequirements | undefined, applied: ResourceRequirements | undefined): boolean =>
  !isDeepStrictEqual(pick(wanted), pick(applied))

/** `applied` is what the container runs with. */
export function computeResize(container: Container, applied: ResourceRequirements | undefined): ResizeNeed {
  if (!applied || !isResized(container.resources, applied)) return 'none'
  const changed = resizable.filter((_, index) => !isDeepStrictEqual(pick(container.resources)[index], pick(applied)[index]))
  const restarts = changed.some((name) =>
    container.resizePolicy?.some((policy) => policy.resourceName === name && policy.restartPolicy === 'RestartContainer'),
  )
  return restarts ? 'restart' : 'in-place'
}

/** Infeasible: never on this node. Deferred: not beside the pods that are here now. Autoscalers read the numbers out of both messages. */
export function judgeResize(pod: Pod, others: readonly Pod[], allocatable: Record<string, string>): ResizeProblem | undefined {
  const requests = computeRequests(pod)
  for (const name of ['memory', 'cpu']) {
    const [requested, capacity] = [requests.get(name) ?? 0, measured(name)(allocatable[name] ?? '0')]
    if (requested <= capacity) continue
    const message = `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`
    return { reason: 'Infeasible', message }
  }
  const beside = planAdmission(pod, others, allocatable)
  return beside && { reason: 'Deferred', message: beside.message }
}
