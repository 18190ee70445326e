/** Asks the API server who is asking and whether they may: how components guard /metrics and their debug pages. */
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { ServeRequest } from '../component/serve.ts'
import type { ApiClient } from './api-client.ts'

interface User {
  username?: string
  uid?: string
  groups?: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** Upstream keeps answers of either kind for seconds. */
const keptMs = 10_000
const maxKept = 1000

/** A hook for `serve`: TokenReview for who has a token, then SubjectAccessReview for the path. Refuses when it cannot ask. */
export function createDelegatedAuthorization(
  client: Pick<ApiClient, 'raw'>,
  { clock, logger }: { clock: Clock; logger: Logger },
): (request: ServeRequest) => Promise<boolean> {
  const kept = new Map<string, { allowed: boolean; until: number }>()
  const review = async ({ token, certificate, path, method }: ServeRequest): Promise<boolean> => {
    const user: User | undefined = certificate
      ? { username: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
      : await authenticate(client, token)
    if (!user?.username) return false
    const { status } = await client.raw<{ status?: { allowed?: boolean } }>(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: user.username,
            uid: user.uid,
            groups: user.groups,
            extra: user.extra,
            nonResourceAttributes: { path, verb: method.toLowerCase() },
          },
        },
      },
    )
    return status?.allowed === true
  }
  return async (request) => {
    const { token = '', certificate, path, method } = request
    const key = JSON.stringify([token, certificate, path, method])
    const now = clock.now().getTime()
    const known = kept.get(key)
    if (known && known.until > now) return known.allowed
    try {
      const allowed = await review(request)
      kept.set(key, { allowed, until: now + keptMs })
      if (kept.size > maxKept) kept.delete(kept.keys().next().value!)
      return allowed
    } catch (error) {
      logger.warn('cannot ask the API server for authorization', { path, error: String(error) })
      return false
    }
  }
}

async function authenticate(client: Pick<ApiClient, 'raw'>, token: string | undefined): Promise<User | undefined> {
  if (!token) return undefined
  const { status } = await client.raw<{ status?: { authenticated?: boolean; user?: User } }>(
    'POST',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    },
  )
  return status?.authenticated ? status.user : undefined
}
