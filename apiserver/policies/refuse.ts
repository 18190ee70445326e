/** The refusal of a policy, as the client gets it: forbidden in its words, with the code of its reason. */
import { ApiError, forbidden, type StatusReason } from '../../api/status.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'

const CODES: Partial<Record<StatusReason, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
}

export function refuse({ group, resource, name }: AdmissionAttributes, message: string, reason: StatusReason): ApiError {
  const { status } = forbidden(group, resource, name, message)
  return new ApiError({
    ...status,
    reason,
    code: CODES[reason] ?? 422,
    details: { ...status.details, causes: [{ message }] },
  })
}
