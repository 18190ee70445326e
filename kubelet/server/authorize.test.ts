import { describe, expect, it } from 'vitest'
import type { SubjectAccessReview, TokenReview } from '../../api/generated/types.ts'
import { createTestClock } from '../../component/clock.ts'
import { createAuthorizer, type Authorizer } from './authorize.ts'

type Request = Parameters<Authorizer>[0]

/** An API server that knows one token, and lets `prober` read `nodes/metrics` and `old` everything by `nodes/proxy`. */
function start() {
  const clock = createTestClock()
  const asked: string[] = []
  const answer = (path: string, body: SubjectAccessReview & TokenReview) => {
    if (path.includes('tokenreviews')) {
      asked.push('token')
      return { status: { authenticated: body.spec.token === 'good', user: { username: 'prober', groups: [] } } }
    }
    const { user, resourceAttributes: what } = body.spec as SubjectAccessReview['spec']
    asked.push(`${user} ${what?.verb} ${what?.resource}/${what?.subresource} ${what?.name}`)
    const allowed = (user === 'prober' && what?.subresource === 'metrics') || (user === 'old' && what?.subresource === 'proxy')
    return { status: { allowed } }
  }
  const raw = async (_method: string, path: string, options?: { body?: unknown }) => answer(path, options?.body as never) as never
  return { clock, asked, authorize: createAuthorizer({ raw }, 'node-1', clock) }
}

const withToken = (url: string, token?: string): Request =>
  ({
    method: 'GET',
    url,
    headers: token ? { authorization: `Bearer ${token}` } : {},
    socket: { authorized: false },
  }) as unknown as Request
const withCertificate = (url: string, name: string, method = 'GET'): Request =>
  ({
    method,
    url,
    headers: {},
    socket: { authorized: true, getPeerCertificate: () => ({ subject: { CN: name } }) },
  }) as unknown as Request

describe('the kubelet', () => {
  it('knows nobody without a token or a certificate, nor by a bad one', async () => {
    const { authorize } = start()
    expect(await authorize(withToken('/pods'))).toMatchObject({ status: 401 })
    expect(await authorize(withToken('/pods', 'bad'))).toMatchObject({ status: 401 })
  })

  it.each([
    ['/metrics/cadvisor', 'prober', 'GET', true, ['get nodes/metrics']],
    ['/stats/summary', 'prober', 'GET', false, ['get nodes/stats']],
    ['/logs/', 'prober', 'GET', false, ['get nodes/log']],
    ['/exec/ns/p/c?command=sh', 'prober', 'POST', false, ['create nodes/proxy']],
    ['/metricsx', 'prober', 'GET', false, ['get nodes/proxy']],
    ['/pods', 'old', 'GET', true, ['get nodes/pods', 'get nodes/proxy']],
    ['/containerLogs/ns/p/c', 'old', 'GET', true, ['get nodes/proxy']],
    // No name opens a door by itself.
    ['/exec/ns/p/c', 'kube-apiserver-kubelet-client', 'POST', false, ['create nodes/proxy']],
    ['/constructor', 'prober', 'GET', false, ['get nodes/proxy']],
    // What is asked about is what would be served.
    ['/metrics/../containerLogs/ns/p/c', 'prober', 'GET', false, ['get nodes/proxy']],
    ['/metrics/%2e%2e/logs/', 'prober', 'GET', false, ['get nodes/log']],
    ['/metrics\\..\\pods', 'prober', 'GET', false, ['get nodes/pods', 'get nodes/proxy']],
    ['//host/metrics', 'prober', 'GET', false, ['get nodes/proxy']],
    ['https://host/metrics/cadvisor', 'prober', 'GET', false, ['get nodes/proxy']],
    ['//[/metrics', 'prober', 'GET', false, ['get nodes/proxy']],
  ])('asks the API server about %s for %s', async (url, name, method, allowed, questions) => {
    const { authorize, asked } = start()
    expect((await authorize(withCertificate(url, name, method))).allowed).toBe(allowed)
    expect(asked).toEqual(questions.map((question) => `${name} ${question} node-1`))
  })

  it('remembers who and what for a while, refusals shorter', async () => {
    const { authorize, asked, clock } = start()
    for (let time = 0; time < 3; time++) {
      expect(await authorize(withToken('/metrics', 'good'))).toEqual({ allowed: true })
      expect(await authorize(withToken('/stats/summary', 'good'))).toMatchObject({ status: 403 })
    }
    expect(asked).toEqual(['token', 'prober get nodes/metrics node-1', 'prober get nodes/stats node-1'])
    await clock.advance(31_000)
    await authorize(withToken('/metrics', 'good'))
    await authorize(withToken('/stats/summary', 'good'))
    expect(asked.slice(3)).toEqual(['prober get nodes/stats node-1'])
  })
})
