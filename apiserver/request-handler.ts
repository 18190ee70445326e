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
import type { ActiveFlow } from './flow-control/flow.ts'
import { isLongRunning, type InFlightLimit } from './requests/in-flight.ts'
import { attributesOf } from './auth/authorization/request-attributes.ts'
import { parseRequestInfo, type RequestInfo } from './requests/request-info.ts'
import type { RequestMetrics } from './requests/request-metrics.ts'
import { sendError } from './answers/respond.ts'

/** Upstream's `--request-timeout`. */
export const REQUEST_TIMEOUT_MS = 60_000

export interface RequestHandlerOptions {
  context: ApiContext
  /** In place of flow control, where that is off. */
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
    const flow = takesSeats(info) ? context.flowControl?.classify(info, request.user) : undefined
    request.headers = flow?.schema.headers
    authorize(request)
    if (!flow && isLongRunning(info)) return dispatch(context, request)
    await serveInTime(request, flow)
  }

  /** Once there is room for it. A watch has no time limit, and needs room only until it has begun. */
  const serveInTime = async (request: ApiRequest, flow: ActiveFlow | undefined) => {
    const { info, user, response } = request
    const onTimeout = () => void sendError(request, timeout('request did not complete within the allotted timeout'))
    const timer = isWatch(info) ? undefined : setTimeout(onTimeout, REQUEST_TIMEOUT_MS)
    try {
      const room = flow ? context.flowControl!.enter(flow, info, response) : limit.enter(isMutating(info.verb), user)
      const leave = typeof room === 'function' ? room : await room
      try {
        const done = dispatch(context, request)
        // The other server counts it, and nobody here sees it begin.
        if (isWatch(info) && context.aggregation.remotes.find(info)) leave()
        await done
      } finally {
        leave()
      }
    } finally {
      clearTimeout(timer)
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

const isWatch = ({ isResource, verb }: RequestInfo) => isResource && verb === 'watch'

/** Requests that go on and on are not flow control's, but for watches, which begin like a list. */
const takesSeats = (info: RequestInfo) => isWatch(info) || !isLongRunning(info)

const isMutating = (verb: string) => verb === 'create' || verb === 'update' || verb === 'patch' || verb.startsWith('delete')
