import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { MIRROR, planDrain } from './drain-plan.ts'
import { applyTaints, parseTaints, splitTaints } from './node-taints.ts'

interface Shape {
  owner?: string
  phase?: string
  local?: boolean
  mirror?: boolean
}

const pod = (name: string, { owner, phase = 'Running', local, mirror }: Shape = {}): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'default',
      name,
      ...(owner && { ownerReferences: [{ kind: owner, name: 'o', uid: 'u', apiVersion: 'apps/v1', controller: true }] }),
      ...(mirror && { annotations: { [MIRROR]: 'x' } }),
    },
    spec: { containers: [], ...(local && { volumes: [{ name: 'v', emptyDir: {} }] }) },
    status: { phase },
  }) as unknown as Pod

describe('a drain', () => {
  const plan = (pods: Pod[], options = {}, sets = true) => {
    const { evict, errors, warning } = planDrain(pods, options, () => sets)
    return { evict: evict.map(({ metadata }) => metadata.name), errors, warning }
  }

  test('moves what a controller makes anew, and what is over', () => {
    expect(plan([pod('a', { owner: 'ReplicaSet' }), pod('b', { phase: 'Succeeded' }), pod('c', { mirror: true })])).toEqual({
      evict: ['a', 'b'],
      errors: [],
      warning: '',
    })
  })

  test('is held up by daemon sets, local data and pods of nobody', () => {
    const pods = [pod('ds', { owner: 'DaemonSet' }), pod('data', { owner: 'ReplicaSet', local: true }), pod('lone'), pod('lone2')]
    expect(plan(pods).errors).toEqual([
      'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/ds',
      'cannot delete Pods that declare no controller (use --force to override): default/lone, default/lone2',
      'cannot delete Pods with local storage (use --delete-emptydir-data to override): default/data',
    ])
    expect(plan(pods, { ignoreDaemonsets: true, deleteEmptydirData: true, force: true })).toEqual({
      evict: ['data', 'lone', 'lone2'],
      errors: [],
      warning:
        'deleting Pods that declare no controller: default/lone, default/lone2; deleting Pods with local storage: default/data; ignoring DaemonSet-managed Pods: default/ds',
    })
  })

  test('takes pods of daemon sets that are gone only by force', () => {
    expect(plan([pod('a', { owner: 'DaemonSet' })], {}, false).errors[0]).toMatch(/^cannot delete Pods that reference missing/)
    expect(plan([pod('a', { owner: 'DaemonSet' })], { force: true }, false).evict).toEqual(['a'])
  })
})

describe('taints', () => {
  const apply = (specs: string[], current: string[] = [], overwrite = false) => {
    const { taints, outcome } = applyTaints('n', parseTaints(current).add, parseTaints(specs), overwrite)
    return [outcome, ...taints.map(({ key, value = '', effect }) => `${key}=${value}:${effect}`)]
  }

  test.each([
    [['a=b:NoSchedule'], [], ['tainted', 'a=b:NoSchedule']],
    [['a:NoExecute'], ['a=b:NoSchedule'], ['tainted', 'a=:NoExecute', 'a=b:NoSchedule']],
    [['a-'], ['a=b:NoSchedule', 'a=b:NoExecute', 'c=:NoSchedule'], ['untainted', 'c=:NoSchedule']],
    [['a:NoExecute-'], ['a=b:NoSchedule', 'a=b:NoExecute'], ['untainted', 'a=b:NoSchedule']],
    [['x=y:NoSchedule', 'a-'], ['a=b:NoSchedule'], ['modified', 'x=y:NoSchedule']],
  ])('%j on %j', (specs, current, result) => {
    expect(apply(specs, current)).toEqual(result)
  })

  test('what is there is replaced only when asked', () => {
    expect(() => apply(['a=c:NoSchedule'], ['a=b:NoSchedule'])).toThrow('node n already has a taint(s) with same effect(s)')
    expect(apply(['a=c:NoSchedule'], ['a=b:NoSchedule'], true)).toEqual(['modified', 'a=c:NoSchedule'])
  })

  test.each([
    [['a=b:Foo'], 'invalid taint effect: Foo, unsupported taint effect'],
    [['a=b:NoSchedule', 'a=c:NoSchedule'], 'duplicated taints with the same key and effect: {a c NoSchedule <nil>}'],
    [['a=b:NoSchedule', 'a-'], 'can not both modify and remove'],
  ])('%j is refused', (specs, message) => {
    expect(() => parseTaints(specs)).toThrow(message)
  })

  test('what is not there cannot go', () => {
    expect(() => apply(['zz-'])).toThrow('taint "zz" not found')
  })

  test('nodes come before taints', () => {
    expect(splitTaints(['node', 'a', 'x=y:NoSchedule', 'z-'])).toEqual({
      objects: ['node', 'a'],
      specs: ['x=y:NoSchedule', 'z-'],
    })
  })
})
