import { describe, expect, it } from 'vitest'
import { impersonate } from './impersonation.ts'
import type { Authorizer, UserInfo } from '../user.ts'

const admin: UserInfo = { username: 'admin', groups: ['system:masters'] }
/** Allows what is listed, as `resource[/subresource].group name`. */
const allowing = (...allowed: string[]): Authorizer => ({
  authorize: ({ verb, resource, subresource, apiGroup, name, namespace }) => {
    const what = `${resource}${subresource && `/${subresource}`}${apiGroup && `.${apiGroup}`} ${namespace && `${namespace}/`}${name}`
    return { allowed: verb === 'impersonate' && (allowed.includes('*') || allowed.includes(what)), reason: '' }
  },
})

describe('impersonate', () => {
  it.each([
    ['a user', { 'impersonate-user': 'ann' }, { username: 'ann', groups: ['system:authenticated'] }],
    [
      'a user with groups',
      { 'impersonate-user': ['ann'], 'impersonate-group': ['dev', 'qa'] },
      { username: 'ann', groups: ['dev', 'qa', 'system:authenticated'] },
    ],
    [
      'a service account with its groups',
      { 'impersonate-user': 'system:serviceaccount:ns:robot' },
      {
        username: 'system:serviceaccount:ns:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
    ],
    [
      'anonymous',
      { 'impersonate-user': 'system:anonymous' },
      { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    ],
    [
      'a user of any script',
      { 'impersonate-user': Buffer.from('jörg 李').toString('latin1') },
      { username: 'jörg 李', groups: ['system:authenticated'] },
    ],
    [
      'uid and extras, whose keys are escaped',
      { 'impersonate-user': 'ann', 'impersonate-uid': '7', 'impersonate-extra-acme.com%2fproject': ['x', 'y'] },
      { username: 'ann', uid: '7', groups: ['system:authenticated'], extra: { 'acme.com/project': ['x', 'y'] } },
    ],
    [
      'an extra of an odd name',
      { 'impersonate-user': 'ann', 'impersonate-extra-__proto__': 'x' },
      { username: 'ann', groups: ['system:authenticated'], extra: JSON.parse('{"__proto__":["x"]}') as object },
    ],
  ])('acts as %s', (_, headers, expected) => {
    expect(impersonate(admin, headers, allowing('*'))).toEqual(expected)
  })

  it('leaves the user alone without headers', () => {
    expect(impersonate(admin, { authorization: 'x' }, allowing())).toBe(admin)
  })

  it('authorizes each part', () => {
    const headers = {
      'impersonate-user': 'ann',
      'impersonate-group': ['dev'],
      'impersonate-extra-k': ['v'],
      'impersonate-uid': 'u',
    }
    const parts = ['users ann', 'groups dev', 'userextras/k.authentication.k8s.io v', 'uids.authentication.k8s.io u']
    expect(impersonate(admin, headers, allowing(...parts)).username).toBe('ann')
    for (const missing of parts) {
      const others = parts.filter((part) => part !== missing)
      expect(() => impersonate(admin, headers, allowing(...others)), missing).toThrow('cannot impersonate resource')
    }
  })

  it('words the refusal as upstream', () => {
    expect(() => impersonate(admin, { 'impersonate-user': 'ann' }, allowing())).toThrow(
      'users "ann" is forbidden: User "admin" cannot impersonate resource "users" in API group "" at the cluster scope',
    )
  })

  it('refuses groups without a user', () => {
    expect(() => impersonate(admin, { 'impersonate-group': 'system:masters' }, allowing('*'))).toThrow(
      'without impersonating a user',
    )
  })
})
