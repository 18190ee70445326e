import { describe, expect, test } from 'vitest'
import { formatWhy, type SchedulerAnswer } from './why-text.ts'

const now = new Date('2026-01-01T00:01:00Z')
const pod = 'default/web'
const insufficient = { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'] }
const failed = {
  at: '2026-01-01T00:00:30Z',
  durationMs: 0.1,
  node: null,
  message: '0/4 nodes are available: 4 Insufficient cpu.',
  evaluatedNodes: 4,
  refused: { 'node-10': insufficient, 'node-1': insufficient, 'node-2': insufficient, 'node-3': insufficient },
  scores: [],
}
const waiting: SchedulerAnswer = {
  pod,
  state: 'unschedulable',
  waitsFor: ['NodeResourcesFit'],
  attempts: [failed],
  relaxations: [
    { changes: ['it requested less', 'it tolerated more'], nodes: ['node-1'], nodeCount: 1 },
    { changes: ['the node were larger'], nodes: ['node-1', 'node-2', 'node-3'], nodeCount: 4 },
  ],
}

test('a pod that waits: what for, who refused it, and what would help', () => {
  expect(formatWhy(waiting, now).split('\n')).toEqual([
    'Pod default/web has no node. It waits for a change that helps NodeResourcesFit. The last attempt was 30 s ago.',
    '',
    '0/4 nodes are available: 4 Insufficient cpu.',
    '',
    'NODE                                REFUSED BY         REASON',
    'node-1, node-2, node-3 and 1 more   NodeResourcesFit   Insufficient cpu',
    '',
    'It would fit',
    '  on node-1                             if it requested less,',
    '                                        and it tolerated more',
    '  on node-1, node-2, node-3 and 1 more  if the node were larger',
  ])
})

describe('a pod with a node', () => {
  const placed = { ...failed, node: 'node-1', message: 'assigned to node-1' }

  test('went where the scores were highest; what was the same everywhere says nothing', () => {
    const scores = [
      { node: 'node-1', total: 190, plugins: { NodeResourcesFit: 90, ImageLocality: 100 } },
      { node: 'node-2', total: 180, plugins: { NodeResourcesFit: 80, ImageLocality: 100 } },
    ]
    const answer: SchedulerAnswer = {
      ...waiting,
      state: 'assigned',
      node: 'node-1',
      attempts: [{ ...placed, refused: {}, evaluatedNodes: 2, scores }],
    }
    expect(formatWhy(answer, now).split('\n')).toEqual([
      'Pod default/web went to node-1: of 2 nodes looked at, 2 would do.',
      '',
      'NODE              SCORE   NodeResourcesFit',
      'node-1 (chosen)   190     90',
      'node-2            180     80',
      '(the same for each: ImageLocality)',
    ])
  })

  test('that the scheduler has forgotten is said to be there, and no more', () => {
    const text = formatWhy({ ...waiting, state: 'assigned', node: 'node-1', attempts: [] }, now)
    expect(text).toBe(
      'Pod default/web is on node-1. The scheduler does not remember how it was placed there: it keeps the last pods only.',
    )
  })
})

test.each<[Partial<SchedulerAnswer>, RegExp]>([
  [{ state: 'gated', attempts: [] }, /scheduling gates keep it from being tried/],
  [{ state: 'backoff', nextTry: '2026-01-01T00:01:08Z' }, /tried again in 8 s\. The last attempt was 30 s ago/],
  [{ state: 'deciding', waitsFor: ['Coscheduling'], attempts: [] }, /Coscheduling keeps it waiting/],
  [{ state: 'elsewhere', schedulerName: 'mine' }, /waits for a scheduler named "mine"/],
  [{ state: 'unknown' }, /has not heard of pod default\/web/],
  [{ relaxations: [] }, /No small change of the pod or of one node/],
  [{ relaxations: [], attempts: [{ ...failed, refused: {} }] }, /this must be put right first/],
  [{ relaxations: [{ changes: [], nodes: ['node-1'], nodeCount: 1 }] }, /It fits as it is, on node-1/],
])('%j', (answer, expected) => {
  expect(formatWhy({ ...waiting, ...answer }, now)).toMatch(expected)
})
