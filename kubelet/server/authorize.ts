/** Who may ask this kubelet what. It decides nothing itself: the API server says who has a token, and who may do what to a node. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { SubjectAccessReview, TokenReview, UserInfo } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { Clock } from '../../component/clock.ts'

export type Authorization = { allowed: true } | { allowed: false; status: 401 | 403; message: string }

export type Authorizer = (request: Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'socket'>) => Promise<Authorization>

/** How long answers are believed: upstream's defaults for webhooks. */
const KEPT_MS = { user: 120_000, allowed: 300_000, refused: 30_000 }
const MOST_KEPT = 1_000

export function createAuthorizer(client: Pick<ApiClient, 'raw'>, nodeName: string, clock: Pick<Clock, 'now'>): Authorizer {
  const users = createMemory<UserInfo | undefined>(clock)
  const decisions = createMemory<boolean>(clock)

  const userOf = (token: string): Promise<UserInfo | undefined> =>
    // The token itself is not kept.
    users.recall(createHash('sha256').update(token).digest('base64'), async () => {
      const user = await reviewToken(client, token)
      return { value: user, keptMs: user ? KEPT_MS.user : 0 }
    })

  const may = (user: UserInfo, verb: string, subresource: string): Promise<boolean> =>
    decisions.recall(JSON.stringify([user, verb, subresource]), async () => {
      const value = await reviewAccess(client, user, { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName })
      return { value, keptMs: value ? KEPT_MS.allowed : KEPT_MS.refused }
    })

  return async (request) => {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const user = fromCertificate(request.socket as TLSSocket) ?? (token === undefined ? undefined : await userOf(token))
    if (!user) return { allowed: false, status: 401, message: 'Unauthorized' }
    const verb = verbs[request.method ?? 'GET'] ?? 'get'
    const subresources = subresourcesOf(requestUrl(request.url))
    for (const subresource of subresources) if (await may(user, verb, subresource)) return { allowed: true }
    const what = `verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`
    return { allowed: false, status: 403, message: `Forbidden (user=${user.username}, ${what})\n` }
  }
}

const verbs: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** By first word of the path. Those that `nodes/proxy` covered before they had a name of their own it covers still. */
const SUBRESOURCES: Record<string, readonly string[]> = {
  stats: ['stats'],
  metrics: ['metrics'],
  logs: ['log'],
  checkpoint: ['checkpoint'],
  pods: ['pods', 'proxy'],
  runningpods: ['pods', 'proxy'],
  healthz: ['healthz', 'proxy'],
  configz: ['configz', 'proxy'],
}

/**
 * The path that is served is the one that is asked about: `/metrics/../pods` is about pods. Undefined for what is not a plain path, which
 * is served to nobody.
 */
export function requestUrl(text: string | undefined = '/'): URL | undefined {
  return /^\/(?!\/)/.test(text) && URL.canParse(text, 'https://localhost') ? new URL(text, 'https://localhost') : undefined
}

const subresourcesOf = (url: URL | undefined): readonly string[] => {
  const [, first = ''] = url?.pathname.split('/') ?? []
  return (Object.hasOwn(SUBRESOURCES, first) ? SUBRESOURCES[first] : undefined) ?? ['proxy']
}

function fromCertificate(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined
  // Node types O as one string, but gives an array when the subject has several.
  const subject = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject?.CN) return undefined
  return { username: subject.CN, groups: [...[subject.O ?? []].flat(), 'system:authenticated'] }
}

async function reviewToken(client: Pick<ApiClient, 'raw'>, token: string): Promise<UserInfo | undefined> {
  const review = await client.raw<TokenReview>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
  })
  return review.status?.authenticated ? review.status.user : undefined
}

async function reviewAccess(client: Pick<ApiClient, 'raw'>, user: UserInfo, resourceAttributes: object): Promise<boolean> {
  const { username, uid, groups, extra } = user
  const review = await client.raw<SubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: username, uid, groups, extra, resourceAttributes },
    },
  })
  return review.status?.allowed === true
}

/** Answers for as long as each says; the oldest go first when there are too many. */
function createMemory<T>(clock: Pick<Clock, 'now'>) {
  const kept = new Map<string, { value: T; until: number }>()
  return {
    async recall(key: string, ask: () => Promise<{ value: T; keptMs: number }>): Promise<T> {
      const now = clock.now().getTime()
      const known = kept.get(key)
      if (known && known.until > now) return known.value
      const { value, keptMs } = await ask()
      kept.delete(key)
      if (keptMs > 0) kept.set(key, { value, until: now + keptMs })
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!)
      return value
    },
  }
}
