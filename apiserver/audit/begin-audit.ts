/** Begins the audit record of a request, when the policy wants one. */
import type { IncomingMessage } from 'node:http'
import type { ApiRequest } from '../api-context.ts'
import { attributesOf } from '../auth/authorization/request-attributes.ts'
import type { AuditRecorder } from './audit-recorder.ts'

/** The object version that woke the writer, as `<resource>/<namespace>/<name>@<revision>`. */
const CAUSE = 'kubelab.local/cause'

/** By the user who sent it, before anybody is impersonated. */
export function beginAudit(recorder: AuditRecorder | undefined, request: ApiRequest): void {
  if (!recorder) return
  const { raw, response, user, info } = request
  request.audit = recorder.begin({
    attributes: attributesOf(user, info),
    requestUri: raw.url ?? '/',
    sourceIps: sourcesOf(raw),
    userAgent: raw.headers['user-agent'],
    auditId: [raw.headers['audit-id'] ?? []].flat()[0],
  })
  if (!request.audit) return
  const cause = raw.headers['kubelab-cause']
  if (typeof cause === 'string') request.audit.annotations[CAUSE] = cause.slice(0, 512)
  if (!response.headersSent) response.setHeader('Audit-ID', request.audit.auditId)
}

/** Whom proxies on the way name, and last the one who is connected. */
function sourcesOf({ headers, socket }: IncomingMessage): string[] {
  const forwarded = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',')
  const all = [...forwarded.map((one) => one.trim()), socket.remoteAddress ?? '']
  return [...new Set(all.filter((one) => one !== ''))]
}
