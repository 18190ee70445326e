/** The one error of the API: a Kubernetes Status, made by factories with upstream's wording and told apart by predicates. */
import { messageOf } from './error-message.ts'
import type { FieldError } from './field-error.ts'
import type { Status, StatusCause, StatusDetails } from './generated/types.ts'

export type StatusReason =
  | ''
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'Gone'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServerTimeout'
  | 'ServiceUnavailable'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType'

/** Thrown by the API server's request path and rejected with by every client call. `status` is what goes over the wire. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: Status

  constructor(status: Status) {
    super(status.message)
    this.status = status
  }

  get code(): number {
    return this.status.code ?? 500
  }

  get reason(): string {
    return this.status.reason ?? ''
  }

  get details(): StatusDetails | undefined {
    return this.status.details
  }
}

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason && { reason }),
    ...(details && { details }),
    code,
  })
}

/** `deployments.apps`; the core group adds nothing. */
const qualified = (group: string, name: string) => (group ? `${name}.${group}` : name)

/** Empty members stay out, as Go's `omitempty` leaves them out. */
const detailsOf = (group: string, kind: string, name: string, more?: StatusDetails): StatusDetails => ({
  ...(name && { name }),
  ...(group && { group }),
  ...(kind && { kind }),
  ...more,
})

export const notFound = (group: string, resource: string, name: string): ApiError =>
  failure(404, 'NotFound', `${qualified(group, resource)} "${name}" not found`, detailsOf(group, resource, name))

/** What upstream answers for a path or a resource that it does not serve. */
export const unknownPath = (): ApiError => failure(404, 'NotFound', 'the server could not find the requested resource', {})

export const alreadyExists = (group: string, resource: string, name: string): ApiError =>
  failure(409, 'AlreadyExists', `${qualified(group, resource)} "${name}" already exists`, detailsOf(group, resource, name))

/** Every name that was tried for a `generateName` was taken. */
export const generateNameConflict = (group: string, resource: string, name: string): ApiError =>
  failure(
    409,
    'AlreadyExists',
    `${qualified(group, resource)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    detailsOf(group, resource, name, { retryAfterSeconds: 1 }),
  )

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export const conflict = (group: string, resource: string, name: string, why = MODIFIED): ApiError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(group, resource)} "${name}": ${why}`,
    detailsOf(group, resource, name),
  )

/** Server-side apply met fields that others own: one cause a field. */
export const applyConflict = (message: string, causes: StatusCause[]): ApiError => failure(409, 'Conflict', message, { causes })

export const invalid = (group: string, kind: string, name: string, errors: readonly FieldError[]): ApiError => {
  const told = errors.slice(0, countOfTold(errors))
  const causes = told.map(({ reason, message, field }) => ({ reason, message, field }))
  const more = errors.length - told.length
  const summary = aggregate([
    ...told.map(({ field, message }) => `${field}: ${message}`),
    ...(more > 0 ? [`and ${more} more errors`] : []),
  ])
  return failure(
    422,
    'Invalid',
    `${qualified(group, kind)} ${JSON.stringify(name)} is invalid${summary && `: ${summary}`}`,
    detailsOf(group, kind, name, causes.length > 0 ? { causes } : {}),
  )
}

/** A small object can be wrong in a hundred thousand places, and the sentence about each is longer than what it is about. */
const MOST_TOLD = 1000
const MOST_TOLD_LENGTH = 2 ** 19

/** The first one is told however long it is. */
function countOfTold(errors: readonly FieldError[]): number {
  let length = 0
  const end = errors.findIndex(({ field, message }, index) => {
    length += field.length + message.length
    return index > 0 && (index >= MOST_TOLD || length > MOST_TOLD_LENGTH)
  })
  return end < 0 ? errors.length : end
}

/** Upstream's aggregate of errors: one as it is, several in brackets without repeats. */
export function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)]
  return distinct.length > 1 ? `[${distinct.join(', ')}]` : (distinct[0] ?? '')
}

export const forbidden = (group: string, resource: string, name: string, why: string): ApiError => {
  const what = resource ? `${qualified(group, resource)}${name && ` "${name}"`} is forbidden` : 'forbidden'
  return failure(403, 'Forbidden', `${what}: ${why}`, detailsOf(group, resource, name))
}

export const unauthorized = (message = 'Unauthorized'): ApiError => failure(401, 'Unauthorized', message)

export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message)

export const methodNotAllowed = (group: string, resource: string, verb: string): ApiError =>
  failure(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualified(group, resource)}"`,
    detailsOf(group, resource, ''),
  )

export const timeout = (message: string, retryAfterSeconds = 0): ApiError =>
  failure(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {})

/** 410 with reason Expired: a resourceVersion or continue token that is too old. */
export const expired = (message: string): ApiError => failure(410, 'Expired', message)

export const gone = (message: string): ApiError => failure(410, 'Gone', message)

export const tooManyRequests = (message: string, retryAfterSeconds = 1, causes?: StatusCause[]): ApiError =>
  failure(429, 'TooManyRequests', message, { ...(causes && { causes }), ...(retryAfterSeconds > 0 && { retryAfterSeconds }) })

export const internalError = (error: unknown): ApiError => {
  const message = messageOf(error)
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

/** A failure that upstream gives no reason for: a 500 with the bare message. */
export const unclassified = (message: string): ApiError => failure(500, '', message)

export const requestEntityTooLarge = (message: string): ApiError =>
  failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`)

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const notAcceptable = (accepted: readonly string[]): ApiError =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`)

/** A patch that is well formed but does not apply to this object. The client learns no more; `cause` is for the log. */
export const unprocessable = (cause: Error): ApiError => {
  const error = failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
  error.cause = cause
  return error
}

export const serviceUnavailable = (message: string): ApiError => failure(503, 'ServiceUnavailable', message)

const isStatus = (value: unknown): value is Status =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status'

const GENERIC: Record<number, [StatusReason, string]> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
  409: ['Conflict', 'the server reported a conflict'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the server was unable to return a response in the time allotted, but may still be processing the request'],
}

/** The error behind an answer: its Status when it carries one, else what upstream's client makes of the bare code. */
export function fromStatus(body: unknown, httpCode: number): ApiError {
  if (isStatus(body)) return new ApiError({ ...body, code: body.code ?? httpCode })
  const text = typeof body === 'string' ? body.trim() : ''
  const generic = GENERIC[httpCode]
  if (httpCode === 403 || httpCode === 415)
    return failure(httpCode, httpCode === 403 ? 'Forbidden' : 'UnsupportedMediaType', text)
  if (generic) return failure(httpCode, generic[0], generic[1], text ? unexpected(text) : undefined)
  if (httpCode >= 500) {
    const message = `an error on the server (${JSON.stringify(text || 'unknown')}) has prevented the request from succeeding`
    return failure(httpCode, 'InternalError', message, unexpected(text))
  }
  return failure(httpCode, '', `the server responded with the status code ${httpCode} but did not return more information`)
}

const unexpected = (message: string): StatusDetails => ({ causes: [{ reason: 'UnexpectedServerResponse', message }] })

export const isApiError = (error: unknown): error is ApiError => error instanceof ApiError

const hasReason =
  (...reasons: StatusReason[]) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && (reasons as string[]).includes(error.reason)

export const isNotFound = hasReason('NotFound')
export const isAlreadyExists = hasReason('AlreadyExists')
export const isConflict = hasReason('Conflict')
export const isInvalid = hasReason('Invalid')
export const isForbidden = hasReason('Forbidden')
export const isUnauthorized = hasReason('Unauthorized')
export const isBadRequest = hasReason('BadRequest')
export const isMethodNotAllowed = hasReason('MethodNotAllowed')
export const isTimeout = hasReason('Timeout')
export const isTooManyRequests = hasReason('TooManyRequests')
/** The version asked for has left the window: list again. Old servers say Gone where new ones say Expired. */
export const isExpired = hasReason('Expired', 'Gone')

/** Seconds to wait before asking again, when the server named them. */
export const retryAfterSeconds = (error: unknown): number | undefined =>
  error instanceof ApiError ? error.details?.retryAfterSeconds : undefined
