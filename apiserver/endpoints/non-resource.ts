/** Every URL that is not about a resource: discovery, health, version, metrics, and the lab's own debugging pages. */
import type { HealthEndpoint } from '../../component/health.ts'
import { methodNotAllowed, unknownPath } from '../../api/status.ts'
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { sendJson, sendText } from '../answers/respond.ts'
import {
  JWKS_PATH,
  jsonWebKeySet,
  OPENID_CONFIGURATION_PATH,
  openidConfiguration,
} from '../auth/authentication/openid-discovery.ts'
import { DUMPS } from '../flow-control/dump.ts'
import { discovery } from './discovery.ts'
import { openapi } from './openapi.ts'
import { version } from './version.ts'

type Page = (context: ApiContext, request: ApiRequest) => Promise<void> | void

/** By first segment of the path. */
const pages: Readonly<Record<string, Page>> = {
  '': (context, request) => sendJson(request, 200, { paths: pathsOf(context) }),
  api: discovery,
  apis: discovery,
  version: (_context, request) => sendJson(request, 200, version),
  healthz: health,
  livez: health,
  readyz: health,
  metrics: async ({ metrics }, request) => sendText(request, 200, await metrics.render(), metrics.contentType),
  openapi,
  openid: async ({ tokens }, request) => {
    if (request.info.path !== JWKS_PATH) throw unknownPath()
    await sendText(request, 200, JSON.stringify(jsonWebKeySet(tokens)), 'application/jwk-set+json')
  },
  '.well-known': ({ tokens }, request) => {
    if (request.info.path !== OPENID_CONFIGURATION_PATH) throw unknownPath()
    return sendJson(request, 200, openidConfiguration(tokens))
  },
  debug,
}

export function nonResource(context: ApiContext, request: ApiRequest): Promise<void> | void {
  const { info, raw } = request
  const first = info.path.split('/', 2)[1] ?? ''
  const page = Object.hasOwn(pages, first) ? pages[first] : undefined
  if (!page) throw unknownPath()
  if (raw.method !== 'GET' && raw.method !== 'HEAD') throw methodNotAllowed('', '', raw.method ?? '')
  return page(context, request)
}

async function health({ health }: ApiContext, request: ApiRequest): Promise<void> {
  const [, endpoint, only] = request.info.path.split('/')
  const { query } = request.info
  const { status, body } = await health.answer(endpoint as HealthEndpoint, {
    verbose: query.has('verbose'),
    exclude: query.getAll('exclude'),
    ...(only && { only }),
  })
  request.response.setHeader('X-Content-Type-Options', 'nosniff')
  await sendText(request, status, body)
}

/** `/debug/kubelab/writes?since=REVISION`: one line of JSON for each write after it. Profiles and flow control are beside it. */
async function debug(context: ApiContext, request: ApiRequest): Promise<void> {
  const { causeLog, flowControl } = context
  if (/^\/debug\/pprof(\/|$)/.test(request.info.path)) {
    const { profile } = await import('./profile.ts')
    return profile(context, request)
  }
  if (request.info.path.startsWith(DUMPS)) {
    const page = flowControl?.dump(request.info.path.slice(DUMPS.length))
    if (page === undefined) throw unknownPath()
    return sendText(request, 200, page)
  }
  if (request.info.path !== '/debug/kubelab/writes') throw unknownPath()
  const since = Number(request.info.query.get('since') ?? 0)
  const lines = causeLog.since(Number.isFinite(since) ? since : 0).map((write) => JSON.stringify(write))
  return sendText(request, 200, lines.length > 0 ? `${lines.join('\n')}\n` : '', 'application/jsonl')
}

function pathsOf({ resources }: ApiContext): string[] {
  const groups = [...resources.groups()].flatMap(([group, definitions]) => {
    if (group === '') return []
    const versions = [...new Set(definitions.flatMap(({ names }) => names.versions))]
    return [`/apis/${group}`, ...versions.map((version) => `/apis/${group}/${version}`)]
  })
  return [
    '/api',
    '/api/v1',
    '/apis',
    ...groups,
    '/healthz',
    '/livez',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/readyz',
    '/version',
  ].sort()
}
