/** Who may ask this kubelet what: the API server's own certificate and masters all; others as the API server says. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { SubjectAccessReview, TokenReview, UserInfo } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'

export type Authorization = { allowed: true } | { allowed: false; status: 401 | 403; message: string }

export type Authorizer = (request: IncomingMessage) => Promise<Authorization>

const apiServerName = 'kube-apiserver-kubelet-client'
const masters = 'system:masters'

export function createAuthorizer(client: Pick<ApiClient, 'raw'>, nodeName: string): Authorizer {
  return async (request) => {
    const user = fromCertificate(request) ?? (await fromToken(request, client))
    if (!user) return { allowed: false, status: 401, message: 'Unauthorized' }
    if (user.username === apiServerName || user.groups?.includes(masters)) return { allowed: true }
    const verb = verbs[request.method ?? 'GET'] ?? 'get'
    const subresource = subresourceOf(request.url ?? '/')
    const review = await client.raw<SubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: user.username,
          groups: user.groups,
          uid: user.uid,
          resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
        },
      },
    })
    if (review.status?.allowed) return { allowed: true }
    const message = `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])\n`
    return { allowed: false, status: 403, message }
  }
}

const verbs: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

function subresourceOf(url: string): string {
  const path = url.split('?')[0]!
  if (path.startsWith('/stats')) return 'stats'
  if (path.startsWith('/metrics')) return 'metrics'
  if (path.startsWith('/logs')) return 'log'
  if (path.startsWith('/pods')) return 'pods'
  if (path.startsWith('/healthz')) return 'healthz'
  return 'proxy'
}

function fromCertificate(request: IncomingMessage): UserInfo | undefined {
  const socket = request.socket as TLSSocket
  if (!socket.authorized) return undefined
  // Node types O as one string, but gives an array when the subject has several.
  const subject = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject?.CN) return undefined
  return { username: subject.CN, groups: [...[subject.O ?? []].flat(), 'system:authenticated'] }
}

async function fromToken(request: IncomingMessage, client: Pick<ApiClient, 'raw'>): Promise<UserInfo | undefined> {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (!token) return undefined
  const review = await client.raw<TokenReview>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
  })
  return review.status?.authenticated ? review.status.user : undefined
}
