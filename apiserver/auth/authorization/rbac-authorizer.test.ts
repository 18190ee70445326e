import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryReader } from '../../memory-reader.ts'
import { createClusterAuthorizer, type ClusterAuthorizer } from './authorizer.ts'
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from '../default-roles/bootstrap-policy.ts'
import { forbiddenRequest } from './forbidden-request.ts'
import { account, binding, clusterBinding, clusterRole, CORE, group, role, rule, user } from '../default-roles/policy-notation.ts'
import { compactRules, describeRule, uncoveredRules } from './rbac-rules.ts'
import type { RequestAttributes, UserInfo } from '../user.ts'

let authorizer: ClusterAuthorizer
beforeEach(() => {
  authorizer = createClusterAuthorizer(createMemoryReader())
})

const ann: UserInfo = { username: 'ann', groups: ['dev', 'system:authenticated'] }
const bob: UserInfo = { username: 'bob', groups: ['system:authenticated'] }
const master: UserInfo = { username: 'root', groups: ['system:masters'] }
const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

/** `ann get pods/log.group ns/name` as attributes; a resource that begins with a slash is a URL. */
function request(who: UserInfo, verb: string, resource: string, where = ''): RequestAttributes {
  const isUrl = resource.startsWith('/')
  const [plural = '', apiGroup = ''] = isUrl ? [] : resource.split(/\.(.*)/s)
  const [name = '', subresource = ''] = plural.split('/')
  const [namespace = '', objectName = ''] = where.split('/')
  return {
    user: who,
    verb,
    resource: isUrl ? '' : name,
    subresource: isUrl ? '' : subresource,
    apiGroup,
    apiVersion: 'v1',
    namespace,
    name: objectName,
    path: isUrl ? resource : '',
    isResourceRequest: !isUrl,
  }
}

const add = (...objects: { kind: string }[]) => {
  for (const object of objects) authorizer.onChange(object.kind as never, object as never, 'ADDED')
}
const remove = (object: { kind: string }) => authorizer.onChange(object.kind as never, object as never, 'DELETED')
const allowed = (...asked: Parameters<typeof request>) => authorizer.authorize(request(...asked)).allowed

describe('RBAC', () => {
  it.each([
    ['a listed verb', rule('get list', CORE, 'pods'), 'list', 'pods', true],
    ['not another verb', rule('get list', CORE, 'pods'), 'watch', 'pods', false],
    ['any verb by star', rule('*', CORE, 'pods'), 'deletecollection', 'pods', true],
    ['not another group', rule('get', 'apps', 'pods'), 'get', 'pods', false],
    ['any group by star', rule('get', '*', 'deployments'), 'get', 'deployments.apps', true],
    ['not a subresource by its resource', rule('get', CORE, 'pods'), 'get', 'pods/log', false],
    ['a subresource by name', rule('get', CORE, 'pods/log'), 'get', 'pods/log', true],
    ['not the resource by its subresource', rule('get', CORE, 'pods/log'), 'get', 'pods', false],
    ['one subresource of everything', rule('get', '*', '*/scale'), 'get', 'deployments/scale.apps', true],
    ['not another subresource of everything', rule('get', '*', '*/scale'), 'get', 'deployments/status.apps', false],
    ['a subresource by star', rule('get', CORE, '*'), 'get', 'pods/log', true],
  ])('allows %s', (_, policy, verb, resource, expected) => {
    add(clusterRole('r', [policy]), clusterBinding('b', [user('ann')], 'r'))
    expect(allowed(ann, verb, resource, 'default/x')).toBe(expected)
  })

  it('limits a rule to its resource names, and so refuses to list', () => {
    add(clusterRole('r', [rule('get list', CORE, 'secrets', 'a b')]), clusterBinding('b', [user('ann')], 'r'))
    expect(allowed(ann, 'get', 'secrets', 'default/a')).toBe(true)
    expect(allowed(ann, 'get', 'secrets', 'default/c')).toBe(false)
    expect(allowed(ann, 'list', 'secrets', 'default')).toBe(false)
  })

  it('keeps a RoleBinding inside its namespace, also of a ClusterRole', () => {
    add(clusterRole('reader', [rule('get', CORE, 'pods')]))
    add({ ...binding('one', 'b', [group('dev')]), roleRef: clusterBinding('reader', []).roleRef } as never)
    expect(allowed(ann, 'get', 'pods', 'one/x')).toBe(true)
    expect(allowed(ann, 'get', 'pods', 'two/x')).toBe(false)
    expect(allowed(ann, 'get', 'pods', '/x')).toBe(false)
    expect(allowed(bob, 'get', 'pods', 'one/x')).toBe(false)
  })

  it('knows service accounts by their user name, in the binding’s own namespace unless another is said', () => {
    const robot: UserInfo = { username: 'system:serviceaccount:one:robot', groups: ['system:serviceaccounts'] }
    add(role('one', 'r', [rule('get', CORE, 'pods')]), binding('one', 'r', [{ kind: 'ServiceAccount', name: 'robot' }]))
    expect(allowed(robot, 'get', 'pods', 'one/x')).toBe(true)
    remove(binding('one', 'r', []))
    add(binding('one', 'other', [account('robot', 'two')], 'r'))
    expect(allowed(robot, 'get', 'pods', 'one/x')).toBe(false)
  })

  it.each([
    ['/metrics', '/metrics', true],
    ['/apis/*', '/apis/apps/v1', true],
    ['/apis/*', '/apis', false],
    ['*', '/anything', true],
  ])('matches the URL rule %s with %s: %s', (pattern, path, expected) => {
    add(clusterRole('r', [{ nonResourceURLs: [pattern], verbs: ['get'] }]), clusterBinding('b', [user('ann')], 'r'))
    expect(allowed(ann, 'get', path)).toBe(expected)
    expect(allowed(ann, 'post', path)).toBe(false)
  })

  it('follows every change: of subjects, of rules, and deletions', () => {
    add(clusterRole('r', [rule('get', CORE, 'pods')]), clusterBinding('b', [user('ann')], 'r'))
    add(clusterBinding('b', [user('bob')], 'r'))
    expect([allowed(ann, 'get', 'pods', 'a/x'), allowed(bob, 'get', 'pods', 'a/x')]).toEqual([false, true])
    add(clusterRole('r', [rule('list', CORE, 'pods')]))
    expect(allowed(bob, 'get', 'pods', 'a/x')).toBe(false)
    expect(allowed(bob, 'list', 'pods', 'a')).toBe(true)
    remove(clusterRole('r', []))
    expect(authorizer.authorize(request(bob, 'list', 'pods', 'a'))).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "r" not found',
    })
    remove(clusterBinding('b', [], 'r'))
    expect(authorizer.authorize(request(bob, 'list', 'pods', 'a')).reason).toBe('')
  })

  it('says by what it allows', () => {
    add(clusterRole('r', [rule('get', CORE, 'pods')]), clusterBinding('b', [group('dev')], 'r'))
    expect(authorizer.authorize(request(ann, 'get', 'pods', 'a/x'))).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "dev"',
    })
  })

  it('lets system:masters do everything without any binding', () => {
    expect(allowed(master, 'delete', 'secrets', 'kube-system/x')).toBe(true)
    expect(allowed(master, 'get', '/debug/kubelab/writes')).toBe(true)
  })

  it('lists the rules that a user has in a namespace', () => {
    add(clusterRole('c', [rule('get', CORE, 'nodes')]), clusterBinding('c', [user('ann')]))
    add(role('one', 'r', [rule('get', CORE, 'pods')]), binding('one', 'r', [user('ann')]))
    expect(authorizer.rulesFor(ann, 'one').rules).toHaveLength(2)
    expect(authorizer.rulesFor(ann, 'two')).toEqual({ rules: [rule('get', CORE, 'nodes')], incomplete: false, errors: [] })
  })
})

describe('the default policy', () => {
  beforeEach(() => add(...CLUSTER_ROLES, ...CLUSTER_ROLE_BINDINGS, ...ROLES, ...ROLE_BINDINGS))

  const controllers: UserInfo = { username: 'system:kube-controller-manager', groups: ['system:authenticated'] }
  const scheduler: UserInfo = { username: 'system:kube-scheduler', groups: ['system:authenticated'] }

  it.each([
    [anonymous, 'get', '/healthz', '', true],
    [anonymous, 'get', '/version', '', true],
    [anonymous, 'get', '/api', '', false],
    [anonymous, 'get', '/metrics', '', false],
    [bob, 'get', '/apis/apps/v1', '', true],
    [bob, 'get', '/debug/kubelab/writes', '', false],
    [bob, 'create', 'selfsubjectaccessreviews.authorization.k8s.io', '', true],
    [bob, 'list', 'pods', 'default', false],
    [controllers, 'create', 'pods', 'default', true],
    [controllers, 'update', 'leases.coordination.k8s.io', 'kube-system/kube-controller-manager', true],
    [controllers, 'escalate', 'clusterroles.rbac.authorization.k8s.io', '/admin', true],
    [controllers, 'create', 'clusterrolebindings.rbac.authorization.k8s.io', '', false],
    [scheduler, 'create', 'pods/binding', 'default/x', true],
    [scheduler, 'get', 'secrets', 'default/x', false],
  ] as [UserInfo, string, string, string, boolean][])('%o %s %s %s: %s', (who, verb, resource, where, expected) => {
    expect(allowed(who, verb, resource, where)).toBe(expected)
  })

  it('has each name once', () => {
    const names = CLUSTER_ROLES.map(({ metadata }) => metadata.name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('forbiddenRequest', () => {
  it.each([
    [
      request(ann, 'list', 'pods', 'default'),
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      request(ann, 'create', 'pods/exec', 'default/x'),
      'pods "x" is forbidden: User "ann" cannot create resource "pods/exec" in API group "" in the namespace "default"',
    ],
    [
      request(ann, 'get', 'deployments.apps', '/'),
      'deployments.apps is forbidden: User "ann" cannot get resource "deployments" in API group "apps" at the cluster scope',
    ],
    [request(ann, 'get', '/metrics'), 'forbidden: User "ann" cannot get path "/metrics"'],
  ])('words it as upstream', (attributes, message) => {
    const error = forbiddenRequest(attributes)
    expect([error.code, error.reason, error.message]).toEqual([403, 'Forbidden', message])
  })
})

describe('uncoveredRules', () => {
  it.each([
    ['the same', [rule('get', CORE, 'pods')], [rule('get', CORE, 'pods')], 0],
    ['stars', [rule('*', '*', '*')], [rule('get', CORE, 'pods pods/log')], 0],
    ['two rules together', [rule('get', CORE, 'pods'), rule('list', CORE, 'pods')], [rule('get list', CORE, 'pods')], 0],
    ['a star asked for', [rule('get list', CORE, 'pods')], [rule('*', CORE, 'pods')], 1],
    ['more than the named ones', [rule('get', CORE, 'pods', 'a')], [rule('get', CORE, 'pods')], 1],
    ['a subresource by its star', [rule('get', CORE, '*/log')], [rule('get', CORE, 'pods/log')], 0],
    ['a URL by its star', [{ nonResourceURLs: ['/a/*'], verbs: ['get'] }], [{ nonResourceURLs: ['/a/b'], verbs: ['get'] }], 0],
    ['a URL by none', [rule('*', '*', '*')], [{ nonResourceURLs: ['/a/b'], verbs: ['get'] }], 1],
  ])('judges %s', (_, owned, asked, missing) => {
    expect(uncoveredRules(owned, asked)).toHaveLength(missing)
  })

  it('is described in upstream’s notation once compacted', () => {
    const missing = compactRules(uncoveredRules([], [rule('get list', CORE, 'pods', 'a')]))
    expect(missing.map(describeRule)).toEqual(['{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}'])
  })
})
