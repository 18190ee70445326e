import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PolicyRule } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { clusterRoleAggregation } from './clusterrole-aggregation.ts'

const rule = (resource: string): PolicyRule => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
const label = 'rbac.example.com/aggregate-to-admin'

function withAdmin(rules: PolicyRule[] = []): Model {
  const model = createModel([clusterRoleAggregation])
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }, { matchLabels: { also: 'true' } }] }
  model.add('ClusterRole', { metadata: { name: 'admin' }, aggregationRule, rules })
  return model
}
const addRole = (model: Model, name: string, labels: Record<string, string>, ...resources: string[]) =>
  model.add('ClusterRole', { metadata: { name, labels }, rules: resources.map(rule) })
const resources = (model: Model) => model.get('ClusterRole', 'admin')!.rules?.map((each) => each.resources?.[0])

describe('an aggregated cluster role', () => {
  it('has the rules of all roles that its selectors name, each once, by selector and name', () => {
    const model = withAdmin()
    addRole(model, 'z', { [label]: 'true' }, 'pods')
    addRole(model, 'b', { [label]: 'true' }, 'secrets', 'pods')
    addRole(model, 'a', { also: 'true' }, 'nodes')
    addRole(model, 'other', {}, 'events')
    model.settle(clusterRoleAggregation)
    expect(resources(model)).toEqual(['secrets', 'pods', 'nodes'])
  })

  it('loses what was written into it by hand, and what no role gives any more', () => {
    const model = withAdmin([rule('everything')])
    addRole(model, 'a', { [label]: 'true' }, 'pods')
    model.settle(clusterRoleAggregation)
    expect(resources(model)).toEqual(['pods'])
    model.delete('ClusterRole', 'a')
    model.settle(clusterRoleAggregation)
    expect(resources(model)).toEqual([])
  })

  it('takes nothing from itself', () => {
    const model = withAdmin([rule('pods')])
    model.change('ClusterRole', 'admin', ({ metadata }) => void (metadata.labels = { [label]: 'true' }))
    model.settle(clusterRoleAggregation)
    expect(resources(model)).toEqual([])
  })

  it('settles, also when roles aggregate one another', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 8 }), (edges) => {
        const model = createModel([clusterRoleAggregation])
        for (let index = 0; index < 4; index++) {
          const labels = Object.fromEntries(edges.filter(([from]) => from === index).map(([, to]) => [`to-${to}`, 'true']))
          const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [`to-${index}`]: 'true' } }] }
          model.add('ClusterRole', { metadata: { name: `r${index}`, labels }, aggregationRule, rules: [] })
        }
        model.add('ClusterRole', { metadata: { name: 'source', labels: { 'to-0': 'true' } }, rules: [rule('pods')] })
        model.settle(clusterRoleAggregation)
        expect(model.get('ClusterRole', 'r0')?.rules).toEqual([rule('pods')])
        expect(model.run(clusterRoleAggregation)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })
})
