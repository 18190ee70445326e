/** Who may read metrics and more: the API server is asked, as upstream's components do, and its answers are kept a moment. */
import type { ApiClient } from '../client/api-client.ts'
import type { Clock } from '../component/clock.ts'
import type { ServeRequest } from '../component/serve.ts'

interface User {
  username: string
  uid?: string
  groups?: string[]
  extra?: Record<string, string[]>
}

const keepMs = 10_000
const keepAtMost = 1000

export function createDelegatedAuthorization(client: Pick<ApiClient, 'raw'>, clock: Clock) {
  const answers = new Map<string, { allowed: Promise<boolean>; until: number }>()
  return (request: ServeRequest): Promise<boolean> => {
    const who = request.token ?? JSON.stringify(request.certificate)
    if (who === undefined) return Promise.resolve(false)
    const key = `${who}\n${request.method}\n${request.path}`
    const now = clock.now().getTime()
    const known = answers.get(key)
    if (known && known.until > now) return known.allowed
    if (answers.size >= keepAtMost) answers.clear()
    const allowed = decide(client, request)
    answers.set(key, { allowed, until: now + keepMs })
    // An API server that cannot be asked allows nothing, and is asked again.
    return allowed.catch(() => {
      answers.delete(key)
      return false
    })
  }
}

async function decide(client: Pick<ApiClient, 'raw'>, { token, certificate, path, method }: ServeRequest): Promise<boolean> {
  const user =
    token === undefined
      ? certificate && { username: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
      : await review(client, token)
  if (!user) return false
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: user.username,
      uid: user.uid,
      groups: user.groups,
      extra: user.extra,
      nonResourceAttributes: { path, verb: method.toLowerCase() },
    },
  }
  const { status } = await client.raw<{ status?: { allowed?: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { body },
  )
  return status?.allowed === true
}

async function review(client: Pick<ApiClient, 'raw'>, token: string): Promise<User | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
  const { status } = await client.raw<{ status?: { authenticated?: boolean; user?: User } }>(
    'POST',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    { body },
  )
  return status?.authenticated ? status.user : undefined
}
