/** What an autoscaler says of a rescale that was tried, in its status and as an event. Pure. */
import type { V2HorizontalPodAutoscaler } from '../../../api/generated/types.ts'
import type { Action } from '../../../client/controller.ts'
import { updateStatus } from '../../status-patch.ts'
import type { Plan, Rescale } from './plan.ts'

type Status = Plan['status']

export const tellRescaled = (hpa: V2HorizontalPodAutoscaler, status: Status, { to, reason }: Rescale): Action[] => [
  { do: 'event', about: hpa, type: 'Normal', reason: 'SuccessfulRescale', message: `New size: ${to}; reason: ${reason}` },
  ...updateStatus(
    hpa,
    able(status, 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${to}`),
  ),
]

export function tellFailed(hpa: V2HorizontalPodAutoscaler, status: Status, { to, reason }: Rescale, error: string): Action[] {
  const message = `New size: ${to}; reason: ${reason}; error: ${error}`
  // The size is what it was.
  const { desiredReplicas = 0, lastScaleTime } = hpa.status ?? {}
  const why = `the HPA controller was unable to update the target scale: ${error}`
  return [
    { do: 'event', about: hpa, type: 'Warning', reason: 'FailedRescale', message },
    ...updateStatus(hpa, { ...able(status, 'False', 'FailedUpdateScale', why), desiredReplicas, lastScaleTime }),
  ]
}

const able = (planned: Status, status: 'True' | 'False', reason: string, message: string): Status => ({
  ...planned,
  conditions: planned.conditions?.map((condition) =>
    condition.type === 'AbleToScale' ? { ...condition, status, reason, message } : condition,
  ),
})
