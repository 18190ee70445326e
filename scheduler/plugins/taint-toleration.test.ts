import { describe, expect, test } from 'vitest'
import { createPodInfo } from '../pod-info.ts'
import { makeNode, makePod } from '../testing.ts'
import { taintToleration } from './taint-toleration.ts'

const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
const withTaints = (taints: (typeof taint)[]) => {
  const node = makeNode('n')
  return { ...node, spec: { ...node.spec, taints } }
}

describe('a pod that a taint kept away', () => {
  test.each([
    ['a node without the taint', [], true],
    ['a node that still has it', [taint], false],
  ])('is helped by %s', (_, taints, expected) => {
    const event = { kind: 'Node', type: 'update', object: withTaints(taints), old: withTaints([taint]) } as const
    expect(taintToleration.isHelpedBy!(createPodInfo(makePod('p')), event)).toBe(expected)
  })
})
