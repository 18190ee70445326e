import { expect, test } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createDelegatedAuthorization } from './delegated-authorization.ts'

/** An API server that knows one token, and lets monitors read metrics. */
function make() {
  const asked: string[] = []
  const extras: unknown[] = []
  const raw = async (_: string, path: string, { body }: { body?: unknown } = {}) => {
    asked.push(path.split('/').at(-1)!)
    const { spec } = body as {
      spec: { token?: string; groups?: string[]; extra?: unknown; nonResourceAttributes?: { path: string } }
    }
    if (spec.token !== undefined) {
      return {
        status:
          spec.token === 'good'
            ? { authenticated: true, user: { username: 'm', groups: ['monitors'], extra: { 'pod-name': ['m-0'] } } }
            : {},
      }
    }
    extras.push(spec.extra)
    return { status: { allowed: spec.groups?.includes('monitors') === true && spec.nonResourceAttributes?.path === '/metrics' } }
  }
  const clock = createTestClock()
  const authorize = createDelegatedAuthorization({ raw: raw as never }, { clock, logger: silentLogger })
  return { asked, extras, clock, authorize }
}
const request = { path: '/metrics', method: 'GET', token: undefined, certificate: undefined }

test.each([
  ['nobody', request, false],
  ['an unknown token', { ...request, token: 'bad' }, false],
  ['a token that may', { ...request, token: 'good' }, true],
  ['a token that may not', { ...request, token: 'good', path: '/debug' }, false],
  ['a certificate that may', { ...request, certificate: { commonName: 'x', organizations: ['monitors'] } }, true],
])('%s', async (_, asking, allowed) => {
  expect(await make().authorize(asking)).toBe(allowed)
})

test('asks again only after a while', async () => {
  const { asked, clock, authorize } = make()
  await authorize({ ...request, token: 'good' })
  await authorize({ ...request, token: 'good' })
  expect(asked).toEqual(['tokenreviews', 'subjectaccessreviews'])
  await clock.advance(10_000)
  await authorize({ ...request, token: 'good' })
  expect(asked).toHaveLength(4)
})

test('asks about the whole of who the token is', async () => {
  const { extras, authorize } = make()
  await authorize({ ...request, token: 'good' })
  expect(extras).toEqual([{ 'pod-name': ['m-0'] }])
})
