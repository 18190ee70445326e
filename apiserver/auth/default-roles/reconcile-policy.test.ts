import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { createMemoryReader } from '../../memory-reader.ts'
import { AUTOUPDATE, clusterBinding, clusterRole, CORE, rule, user } from './policy-notation.ts'
import { planBinding, planBootstrapPolicy, planRole } from './reconcile-policy.ts'

const wanted = clusterRole('r', [rule('get list', CORE, 'pods')])
const edited = (change: (role: typeof wanted) => void) => {
  const role = structuredClone(wanted)
  change(role)
  return role
}

describe('planBootstrapPolicy', () => {
  it('creates all in an empty cluster, and is content with what it made', () => {
    const reader = createMemoryReader()
    const actions = planBootstrapPolicy(reader)
    expect(new Set(actions.map((action) => action.do))).toEqual(new Set(['create']))
    for (const { object } of actions) reader.put(object)
    expect(planBootstrapPolicy(reader)).toEqual([])
  })

  it('does not mind the rules that the aggregation controller filled in', () => {
    const reader = createMemoryReader(planBootstrapPolicy(createMemoryReader()).map(({ object }) => object))
    const admin = structuredClone(reader.get('ClusterRole', { name: 'admin' })!)
    reader.put({ ...admin, rules: [rule('get', CORE, 'pods')] } as KubeObject)
    expect(planBootstrapPolicy(reader)).toEqual([])
  })
})

describe('a role', () => {
  it('gets back what it lost, and keeps what was added', () => {
    const existing = edited((role) => (role.rules = [rule('get', CORE, 'pods'), rule('get', CORE, 'nodes')]))
    const [action] = planRole(wanted, existing)
    expect(action).toMatchObject({ do: 'update', object: { rules: [...existing.rules!, ...wanted.rules!] } })
  })

  it('is left alone when it has more already, or says so', () => {
    expect(
      planRole(
        wanted,
        edited((role) => (role.rules = [rule('*', '*', '*')])),
      ),
    ).toEqual([])
    const mine = edited((role) => {
      role.rules = []
      role.metadata.annotations = { [AUTOUPDATE]: 'false' }
    })
    expect(planRole(wanted, mine)).toEqual([])
  })
})

describe('a binding', () => {
  const binding = clusterBinding('b', [user('ann')], 'r')

  it('gets back a subject, and keeps those added', () => {
    const [action] = planBinding(binding, clusterBinding('b', [user('bob')], 'r'))
    expect(action).toMatchObject({ do: 'update', object: { subjects: [user('bob'), user('ann')] } })
  })

  it('is replaced when it leads to another role', () => {
    expect(planBinding(binding, clusterBinding('b', [user('ann')], 'other'))).toMatchObject([{ do: 'replace', object: binding }])
  })
})
