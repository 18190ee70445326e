/** The way of every request: who is it, may they, is there room, then the endpoint; and whatever goes wrong, a Status. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { timeout, unauthorized } from '../api/status.ts'
import type { ApiContext, ApiRequest } from './api-context.ts'
import { beginAudit } from './audit/begin-audit.ts'
import { createAuthMetrics } from './auth/auth-metrics.ts'
import { forbiddenRequest } from './auth/authorization/forbidden-request.ts'
import { impersonate, isImpersonating } from './auth/authentication/impersonation.ts'
import type { PeerCertificate, UserInfo } from './auth/user.ts'
import { dispatch } from './dispatch.ts'
import { isLongRunning, type InFlightLimit } from './requests/in-flight.ts'
import { attributesOf } from './auth/authorization/request-attributes.ts'
import { parseRequestInfo, type RequestInfo } from './requests/request-info.ts'
import type { RequestMetrics } from './requests/request-metrics.ts'
import { sendError } from './answers/respond.ts'

/** Upstream's `--request-timeout`. */
const REQUEST_TIMEOUT_MS = 60_000

export interface RequestHandlerOptions {
  context: ApiContext
  limit: InFlightLimit
  requests: RequestMetrics
  peerCertificate: (socket: TLSSocket) => PeerCertificate | undefined
}

export type RequestHandler = (raw: IncomingMessage, response: ServerResponse) => void

const nobody: UserInfo = { username: '', groups: [] }

export function createRequestHandler({ context, limit, requests, peerCertificate }: RequestHandlerOptions): RequestHandler {
  const auth = createAuthMetrics(context.metrics, context.now)

  const identify = async (raw: IncomingMessage): Promise<UserInfo> => {
    const started = performance.now()
    const certificate = peerCertificate(raw.socket as TLSSocket)
    // Repeated headers count only where a front proxy names its user; building the distinct form costs every request.
    const headers = certificate?.authority === 'front-proxy' ? raw.headersDistinct : raw.headers
    let user: UserInfo | undefined
    try {
      user = await context.authenticator.authenticate({ headers, certificate })
    } catch (error) {
      auth.refused('error', performance.now() - started)
      throw error
    }
    if (user) {
      auth.authenticated(user, certificate, performance.now() - started)
      return user
    }
    auth.refused('failure', performance.now() - started)
    throw unauthorized()
  }

  const authorize = ({ user, info, audit }: ApiRequest) => {
    const started = performance.now()
    const attributes = attributesOf(user, info)
    const decision = context.authorizer.authorize(attributes)
    auth.authorized(decision.allowed, performance.now() - started)
    if (audit) {
      audit.annotations['authorization.k8s.io/decision'] = decision.allowed ? 'allow' : 'forbid'
      audit.annotations['authorization.k8s.io/reason'] = decision.reason
    }
    if (!decision.allowed) throw forbiddenRequest(attributes, decision.reason)
  }

  const serve = async (request: ApiRequest) => {
    const { raw, info } = request
    request.user = await identify(raw)
    beginAudit(context.audit, request)
    if (isImpersonating(raw.headers)) {
      request.user = impersonate(request.user, raw.headersDistinct, context.authorizer)
      request.audit?.impersonating(request.user)
    }
    authorize(request)
    if (isLongRunning(info)) return dispatch(context, request)
    const leave = limit.enter(isMutating(info.verb), request.user)
    const timer = setTimeout(() => {
      sendError(request, timeout('request did not complete within the allotted timeout'))
    }, REQUEST_TIMEOUT_MS)
    try {
      await dispatch(context, request)
    } finally {
      clearTimeout(timer)
      leave()
    }
  }

  return (raw, response) => {
    const started = performance.now()
    const request: ApiRequest = { raw, response, info: noInfo, user: nobody, warnings: [] }
    const fail = (error: unknown) => {
      // Who could not be identified is recorded as nobody.
      if (!request.audit) beginAudit(context.audit, request)
      const { code, message, status } = sendError(request, error)
      request.audit?.failed(status)
      // A body that nobody reads would stand in the way of the next request on this connection.
      raw.resume()
      if (code >= 500) context.logger.error('request failed', { method: raw.method, url: raw.url, code, message, error })
    }
    response.on('close', () => {
      requests.observe(request.info, response.statusCode, performance.now() - started)
      request.audit?.complete(response.statusCode)
    })
    try {
      request.info = parseRequestInfo(raw.method ?? 'GET', raw.url ?? '/')
    } catch (error) {
      return fail(error)
    }
    serve(request).catch(fail)
  }
}

const noInfo: RequestInfo = parseRequestInfo('GET', '/')

const isMutating = (verb: string) => verb === 'create' || verb === 'update' || verb === 'patch' || verb.startsWith('delete')
