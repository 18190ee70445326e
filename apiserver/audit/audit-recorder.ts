/**
 * Records requests as audit events of audit.k8s.io/v1.
 *
 * For the request path: `begin` once the user is known (undefined for a request that the policy does not want: it costs one
 * look at the policy), then what is learned on the way, then `complete` on every way out, also when the request was refused.
 */
import { randomUUID } from 'node:crypto'
import type { Status } from '../../api/generated/types.ts'
import type { RequestAttributes, UserInfo } from '../auth/user.ts'
import type { AuditLog } from './audit-log.ts'
import { decideAudit, type AuditPolicy, type Level, type Stage } from './audit-policy.ts'

export interface AuditedRequest {
  attributes: RequestAttributes
  /** Path and query as the client sent them. */
  requestUri: string
  sourceIps: readonly string[]
  userAgent?: string | undefined
  /** The client's `Audit-ID`, which ties together what several servers record of one request. */
  auditId?: string | undefined
}

export interface AuditRecord {
  /** Goes back to the client as the `Audit-ID` header. */
  readonly auditId: string
  readonly level: Level
  impersonating(user: UserInfo): void
  /** The decoded body, and the JSON that is answered; kept only at the levels that want them. */
  requestObject(object: unknown): void
  responseBody(json: Buffer): void
  /** Why it was allowed, which policy was enforced: put in whatever there is to say, `authorization.k8s.io/decision`. */
  readonly annotations: Record<string, string>
  /** For watches and their like: the answer has begun and will go on. */
  started(code: number): void
  /** The Status of a request that failed: `complete` follows. */
  failed(status: Pick<Status, 'status' | 'message' | 'reason'>): void
  complete(code: number): void
}

export interface AuditRecorder {
  begin(request: AuditedRequest): AuditRecord | undefined
}

export function createAuditRecorder(policy: AuditPolicy, log: Pick<AuditLog, 'write'>, now = () => new Date()): AuditRecorder {
  return {
    begin(request) {
      const decision = decideAudit(policy, request.attributes)
      if (decision.level === 'None') return undefined
      const wants = (stage: Stage) => !decision.omitStages.includes(stage)
      const receivedAt = toMicroTime(now())
      const event: Record<string, unknown> = {
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: decision.level,
        auditID: request.auditId || randomUUID(),
        stage: 'RequestReceived',
        requestURI: request.requestUri,
        verb: request.attributes.verb,
        user: request.attributes.user,
        sourceIPs: request.sourceIps,
        ...(request.userAgent && { userAgent: request.userAgent }),
        ...(request.attributes.isResourceRequest && { objectRef: referenceOf(request.attributes) }),
        requestReceivedTimestamp: receivedAt,
      }
      const annotations: Record<string, string> = {}
      const emit = (stage: Stage, more: object = {}) => {
        if (!wants(stage)) return
        const said = Object.keys(annotations).length > 0 && { annotations }
        log.write({ ...event, ...more, stage, stageTimestamp: toMicroTime(now()), ...said })
      }
      const keep = (field: string, object: unknown) => {
        event[field] = decision.omitManagedFields ? withoutManagedFields(object) : object
      }
      let status: Pick<Status, 'status' | 'message' | 'reason'> = {}
      let done = false
      emit('RequestReceived')
      return {
        auditId: event.auditID as string,
        level: decision.level,
        impersonating: (user) => void (event.impersonatedUser = user),
        requestObject(object) {
          // A copy: admission changes the object from here on.
          if (decision.level === 'Request' || decision.level === 'RequestResponse') keep('requestObject', structuredClone(object))
        },
        responseBody(json) {
          if (decision.level === 'RequestResponse') keep('responseObject', JSON.parse(json.toString()))
        },
        annotations,
        started: (code) => emit('ResponseStarted', { responseStatus: { metadata: {}, code } }),
        failed: ({ status: outcome, message, reason }) => void (status = { status: outcome, message, reason }),
        complete(code) {
          // The connection may end while the answer is being written: one of the two is the end.
          if (done) return
          done = true
          emit('ResponseComplete', { responseStatus: { metadata: {}, ...status, code } })
        },
      }
    },
  }
}

function referenceOf({ resource, namespace, name, apiGroup, apiVersion, subresource }: RequestAttributes) {
  return {
    ...(resource && { resource }),
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(apiGroup && { apiGroup }),
    ...(apiVersion && { apiVersion }),
    ...(subresource && { subresource }),
  }
}

/** Kubernetes' MicroTime. The clock has milliseconds. */
const toMicroTime = (time: Date): string => time.toISOString().replace('Z', '000Z')

function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object
  const { metadata, items } = object as { metadata?: object; items?: unknown[] }
  return {
    ...object,
    ...(metadata && { metadata: { ...metadata, managedFields: undefined } }),
    ...(items && { items: items.map(withoutManagedFields) }),
  }
}
