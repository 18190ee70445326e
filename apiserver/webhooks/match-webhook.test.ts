import { describe, expect, test } from 'vitest'
import type { RuleWithOperations, ValidatingWebhook } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { compileWebhook, matchesObject, matchRules, mayMatch, type ResourceVersion } from './match-webhook.ts'

const rule = (more: Partial<RuleWithOperations> = {}): RuleWithOperations => ({
  operations: ['CREATE'],
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  resources: ['deployments'],
  scope: '*',
  ...more,
})
const compile = (rules: RuleWithOperations[], more: Partial<ValidatingWebhook> = {}) =>
  compileWebhook(
    'c',
    {
      name: 'w.x.y',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      clientConfig: {},
      rules,
      matchPolicy: 'Exact',
      ...more,
    },
    'id',
    0,
  )
const deployments: ResourceVersion = { group: 'apps', version: 'v1', resource: 'deployments' }
const old: ResourceVersion = { group: 'extensions', version: 'v1beta1', resource: 'deployments' }
const creation = { operation: 'CREATE' as const, subresource: '', namespace: 'ns' }

describe('rules', () => {
  test.each<[string, Partial<RuleWithOperations>, Partial<typeof creation>, boolean]>([
    ['name it', {}, {}, true],
    ['are about everything', { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }, {}, true],
    ['name another group', { apiGroups: [''] }, {}, false],
    ['name another version', { apiVersions: ['v2'] }, {}, false],
    ['name another operation', { operations: ['UPDATE', 'DELETE'] }, {}, false],
    ['name another resource', { resources: ['pods'] }, {}, false],
    ['name the resource, and it is a subresource', {}, { subresource: 'status' }, false],
    ['name the subresource', { resources: ['deployments/status'] }, { subresource: 'status' }, true],
    ['name all of its subresources, and it is itself', { resources: ['deployments/*'] }, {}, true],
    ['name a subresource of all', { resources: ['*/scale'] }, { subresource: 'scale' }, true],
    ['name all without subresources', { resources: ['*'] }, { subresource: 'scale' }, false],
    ['name all with subresources', { resources: ['*/*'] }, { subresource: 'scale' }, true],
    ['are for what is in a namespace', { scope: 'Namespaced' }, {}, true],
    ['are for what is in none', { scope: 'Cluster' }, {}, false],
    ['are for what is in none, and it is', { scope: 'Cluster' }, { namespace: '' }, true],
  ])('that %s: %o %o %s', (_what, ruleMore, attributes, expected) => {
    const webhook = compile([rule(ruleMore)])
    const all = { ...creation, ...attributes }
    expect(matchRules(webhook, deployments, all, () => []) !== undefined).toBe(expected)
    if (expected) expect(mayMatch(webhook, all.operation, 'deployments', all.subresource)).toBe(true)
  })
  test('of scope Cluster are about namespaces, which are in no namespace', () => {
    const namespaces = { group: '', version: 'v1', resource: 'namespaces' }
    const about = (scope: string) => compile([rule({ apiGroups: [''], resources: ['namespaces'], scope })])
    expect(matchRules(about('Cluster'), namespaces, creation, () => [])).toBe(namespaces)
    expect(matchRules(about('Namespaced'), namespaces, creation, () => [])).toBeUndefined()
  })
})

describe('equivalents', () => {
  test('are told of only where the policy says so, and only when the asked one is not wanted', () => {
    const rules = [rule({ apiGroups: ['extensions'], apiVersions: ['v1beta1'] })]
    expect(matchRules(compile(rules), deployments, creation, () => [old])).toBeUndefined()
    expect(matchRules(compile(rules, { matchPolicy: 'Equivalent' }), deployments, creation, () => [old])).toBe(old)
    const both = compile([...rules, rule()], { matchPolicy: 'Equivalent' })
    expect(matchRules(both, deployments, creation, () => [old])).toBe(deployments)
  })
})

describe('an object selector', () => {
  const { objectSelector } = compile([], { objectSelector: { matchLabels: { a: 'b' } } })
  const object = (labels: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', uid: 'u', labels },
  })
  test.each<[string, KubeObject | undefined, KubeObject | undefined, boolean]>([
    ['the new object', object({ a: 'b' }), undefined, true],
    ['the old object', object({}), object({ a: 'b' }), true],
    ['neither', object({}), object({ a: 'c' }), false],
    ['nothing at all', undefined, undefined, false],
  ])('that matches %s', (_what, fresh, before, expected) => {
    expect(matchesObject(objectSelector, fresh, before)).toBe(expected)
  })
})
