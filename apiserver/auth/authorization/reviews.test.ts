import { describe, expect, it } from 'vitest'
import { createMemoryReader } from '../../memory-reader.ts'
import { createClusterAuthorizer } from './authorizer.ts'
import { clusterBinding, clusterRole, CORE, rule, urls, user } from '../default-roles/policy-notation.ts'
import { REVIEWS, type ReviewContext } from './reviews.ts'

const authorizer = createClusterAuthorizer(createMemoryReader())
const policy = [
  clusterRole('r', [rule('get', CORE, 'pods'), urls('/metrics')]),
  clusterBinding('r', [user('ann')]),
  clusterBinding('broken', [user('bob')], 'gone'),
]
for (const object of policy) authorizer.onChange(object.kind as never, object, 'ADDED')

const context: ReviewContext = {
  user: { username: 'ann', groups: ['system:authenticated'] },
  namespace: 'default',
  authorizer,
  audiences: ['api'],
  authenticator: {
    authenticateToken: (token, audiences) => {
      if (token === 'bad') return Promise.reject(new Error('service account token has expired'))
      return Promise.resolve(
        token === 'good' ? { user: { username: 'bob', groups: [] }, audiences: [...(audiences ?? [])] } : undefined,
      )
    },
  },
}

async function ask(kind: string, spec: object | undefined, metadata: object = {}) {
  const review = REVIEWS.find((one) => one.kind === kind)!
  const answer = await review.create({ apiVersion: 'v1', kind, metadata, ...(spec && { spec }) } as never, context)
  return (answer as { status?: unknown }).status
}
const pods = (verb: string, more: object = {}) => ({
  resourceAttributes: { verb, resource: 'pods', namespace: 'default', ...more },
})

describe('reviews', () => {
  it.each([
    ['SelfSubjectAccessReview', pods('get'), true],
    ['SelfSubjectAccessReview', pods('list'), false],
    ['SelfSubjectAccessReview', { nonResourceAttributes: { verb: 'get', path: '/metrics' } }, true],
    ['SubjectAccessReview', { user: 'bob', ...pods('get') }, false],
    ['SubjectAccessReview', { user: 'ann', ...pods('get') }, true],
    ['LocalSubjectAccessReview', { user: 'ann', ...pods('get') }, true],
  ])('answers a %s of %o with %s', async (kind, spec, allowed) => {
    expect(await ask(kind, spec)).toMatchObject({ allowed })
  })

  it('says which role is missing', async () => {
    expect(await ask('SubjectAccessReview', { user: 'bob', ...pods('get') })).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    })
  })

  it.each([
    ['SelfSubjectAccessReview', {}, /exactly one of nonResourceAttributes or resourceAttributes must be specified/],
    ['SubjectAccessReview', pods('get'), /spec.user: Invalid value: "": at least one of user or group must be specified/],
    ['LocalSubjectAccessReview', { user: 'a', ...pods('get', { namespace: 'x' }) }, /must match namespace: default/],
    ['SelfSubjectRulesReview', {}, /no namespace on request/],
    ['TokenReview', { token: '' }, /token is required for TokenReview in authentication/],
  ])('refuses a %s of %o', async (kind, spec, message) => {
    await expect(ask(kind, spec)).rejects.toThrow(message)
  })

  it('lists rules', async () => {
    expect(await ask('SelfSubjectRulesReview', { namespace: 'default' })).toEqual({
      resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }],
      incomplete: false,
    })
  })

  it('says who asks', async () => {
    expect(await ask('SelfSubjectReview', undefined)).toEqual({ userInfo: { username: 'ann', groups: ['system:authenticated'] } })
  })

  it.each([
    ['good', { authenticated: true, user: { username: 'bob', groups: [] }, audiences: ['api'] }],
    ['unknown', { user: {} }],
    ['bad', { user: {}, error: '[invalid bearer token, service account token has expired]' }],
  ])('judges a token that is %s', async (token, status) => {
    expect(await ask('TokenReview', { token })).toEqual(status)
  })
})
