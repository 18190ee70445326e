import { describe, expect, test } from 'vitest'
import type { FlowSchema, FlowcontrolSubject, PolicyRulesWithSubjects } from '../../api/generated/types.ts'
import { parseRequestInfo } from '../requests/request-info.ts'
import { MANDATORY_SCHEMAS, SUGGESTED_SCHEMAS } from './bootstrap-objects.ts'
import { createClassifier } from './classifier.ts'

const DEFAULTS = [...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS]

const classifierOf = (schemas: readonly FlowSchema[]) =>
  createClassifier(
    schemas.map((schema) => ({ schema, target: schema.metadata.name })),
    'fallback',
  )

const user = (username: string, ...groups: string[]) => ({ username, groups: [...groups, 'system:authenticated'] })
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
const node = user('system:node:n', 'system:nodes')
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/a/leases/l'

describe('by the default schemas', () => {
  const classify = classifierOf(DEFAULTS)
  test.each([
    ['an administrator', user('admin', 'system:masters'), 'GET', '/api/v1/pods', 'exempt'],
    ['a probe', { username: 'system:anonymous', groups: ['system:unauthenticated'] }, 'GET', '/readyz', 'probes'],
    ['a probe of one check', user('somebody'), 'GET', '/livez/etcd', 'probes'],
    ['a path that only begins like a probe', user('somebody'), 'GET', '/livezz', 'global-default'],
    ['who holds an election', user('system:kube-scheduler'), 'PUT', LEASE, 'system-leader-election'],
    ['an account that holds one', account('kube-system', 'x'), 'GET', LEASE, 'system-leader-election'],
    ['who watches leases', user('system:kube-scheduler'), 'GET', '/apis/coordination.k8s.io/v1/leases?watch=1', 'kube-scheduler'],
    ['a node that says it lives', node, 'PUT', LEASE, 'system-node-high'],
    ['a node and itself', node, 'PATCH', '/api/v1/nodes/n/status', 'system-node-high'],
    ['a node and a proxy of itself', node, 'GET', '/api/v1/nodes/n/proxy/x', 'system-nodes'],
    ['a node and its pods', node, 'GET', '/api/v1/pods', 'system-nodes'],
    ['controllers', user('system:kube-controller-manager'), 'GET', '/api/v1/pods', 'kube-controller-manager'],
    ['an account of the system', account('kube-system', 'dns'), 'GET', '/api/v1/services', 'kube-system-service-accounts'],
    ['an account whose namespace begins like it', account('kube-systems', 'x'), 'GET', '/api/v1/services', 'service-accounts'],
    ['another account', account('a', 'b'), 'GET', LEASE, 'service-accounts'],
    ['anybody else', user('somebody'), 'GET', '/version', 'global-default'],
    ['who is in no group', { username: 'x', groups: [] }, 'GET', '/version', 'fallback'],
  ])('%s', (_who, who, method, url, expected) => {
    expect(classify(parseRequestInfo(method, url), who)).toBe(expected)
  })
})

const subject = (kind: string, name: string, namespace = 'a'): FlowcontrolSubject =>
  kind === 'User'
    ? { kind, user: { name } }
    : kind === 'Group'
      ? { kind, group: { name } }
      : { kind, serviceAccount: { name, namespace } }

const schema = (name: string, matchingPrecedence: number, ...rules: PolicyRulesWithSubjects[]): FlowSchema => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name, uid: '' },
  spec: { matchingPrecedence, priorityLevelConfiguration: { name: 'p' }, rules },
})

const PODS = {
  verbs: ['get', 'list'],
  apiGroups: ['', 'metrics.k8s.io'],
  resources: ['pods', 'pods/status'],
  namespaces: ['a', 'b'],
}
const eve = user('eve', 'tenants')

describe('a rule', () => {
  test.each([
    ['a verb of several', 'GET', '/api/v1/namespaces/a/pods/p', true],
    ['another verb', 'DELETE', '/api/v1/namespaces/a/pods/p', false],
    ['another group', 'GET', '/apis/metrics.k8s.io/v1/namespaces/b/pods', true],
    ['a group that it does not name', 'GET', '/apis/apps/v1/namespaces/b/pods', false],
    ['a subresource', 'GET', '/api/v1/namespaces/a/pods/p/status', true],
    ['a subresource that it does not name', 'GET', '/api/v1/namespaces/a/pods/p/binding', false],
    ['another namespace', 'GET', '/api/v1/namespaces/c/pods', false],
    ['all namespaces', 'GET', '/api/v1/pods', false],
    ['no resource', 'GET', '/metrics', false],
  ])('is about %s or not: %s %s', (_what, method, url, matches) => {
    const classify = classifierOf([schema('s', 1, { subjects: [subject('User', 'eve')], resourceRules: [PODS] })])
    expect(classify(parseRequestInfo(method, url), eve)).toBe(matches ? 's' : 'fallback')
  })

  test.each([
    [subject('User', '*'), true],
    [subject('User', 'ev'), false],
    [subject('Group', 'tenants'), true],
    [subject('Group', '*'), true],
    [subject('Group', 'tenant'), false],
    [subject('ServiceAccount', '*'), false],
  ])('for %j', (who, matches) => {
    const everyUrl = { verbs: ['*'], nonResourceURLs: ['*'] }
    const classify = classifierOf([schema('s', 1, { subjects: [who], nonResourceRules: [everyUrl] })])
    expect(classify(parseRequestInfo('GET', '/x'), eve)).toBe(matches ? 's' : 'fallback')
  })

  test.each([
    [['/logs'], '/logs', true],
    [['/logs'], '/logs/a', true],
    [['/logs/*'], '/logs/a', true],
    [['/logs/*'], '/logs', false],
    [['/a', '/b'], '/b', true],
    [['/logs'], '/logsx', false],
  ])('for the URLs %j and %s', (nonResourceURLs, path, matches) => {
    const rule = { subjects: [subject('User', 'eve')], nonResourceRules: [{ verbs: ['get'], nonResourceURLs }] }
    expect(classifierOf([schema('s', 1, rule)])(parseRequestInfo('GET', path), eve)).toBe(matches ? 's' : 'fallback')
  })
})

describe('of several schemas', () => {
  const everything = (name: string): PolicyRulesWithSubjects => ({
    subjects: [subject('User', name)],
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
  })
  const info = parseRequestInfo('GET', '/api/v1/pods')

  test('the lowest precedence is first, then the name', () => {
    const [b, a, late] = [schema('b', 10, everything('*')), schema('a', 10, everything('*')), schema('0', 11, everything('*'))]
    expect(classifierOf([late, b, a])(info, eve)).toBe('a')
    expect(classifierOf([late, b])(info, eve)).toBe('b')
  })

  test('who comes with other groups under the same name is judged by these', () => {
    const rule = { ...everything('eve'), subjects: [subject('Group', 'tenants')] }
    const classify = classifierOf([schema('s', 1, rule)])
    expect([eve, user('eve'), user('eve', 'others'), eve].map((who) => classify(info, who))).toEqual([
      's',
      'fallback',
      'fallback',
      's',
    ])
  })

  test('very many users are as well told apart as few', () => {
    const classify = classifierOf([schema('s', 1, everything('u-4000'))])
    const found = Array.from({ length: 5000 }, (_, i) => classify(info, user(`u-${i}`)))
    expect(found.filter((one) => one === 's')).toHaveLength(1)
    expect(classify(info, user('u-4000'))).toBe('s')
  })
})
