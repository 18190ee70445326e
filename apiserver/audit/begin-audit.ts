/** Begins the audit record of a request, when the policy wants one. */
import type { IncomingMessage } from 'node:http'
import type { ApiRequest } from '../api-context.ts'
import { attributesOf } from '../request-attributes.ts'
import type { AuditRecorder } from './audit-recorder.ts'

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
  if (request.audit && !response.headersSent) response.setHeader('Audit-ID', request.audit.auditId)
}

/** Whom proxies on the way name, and last the one who is connected. */
function sourcesOf({ headers, socket }: IncomingMessage): string[] {
  const forwarded = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',')
  const all = [...forwarded.map((one) => one.trim()), socket.remoteAddress ?? '']
  return [...new Set(all.filter((one) => one !== ''))]
}
