import { describe, expect, test } from 'vitest'
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { parseRequestInfo } from '../requests/request-info.ts'
import { AUTOUPDATE, MANDATORY_LEVELS, MANDATORY_SCHEMAS, SUGGESTED_LEVELS } from './bootstrap-objects.ts'
import { withDangling } from './dangling.ts'
import { digestConfiguration } from './digest-configuration.ts'
import { planBootstrap } from './plan-bootstrap.ts'
import { widthOf } from './request-width.ts'
import { RetryAfter } from './retry-after.ts'
import type { Level } from './seat-pool.ts'
import { WriteBudget } from './write-budget.ts'

const limited = (name: string, spec: object): PriorityLevelConfiguration => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'PriorityLevelConfiguration',
  metadata: { name, uid: `uid-${name}` },
  spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' }, ...spec } },
})

const schemaTo = (name: string, level: string): FlowSchema => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name, uid: '' },
  spec: { priorityLevelConfiguration: { name: level } },
})

describe('the seats of the levels', () => {
  const seats = (levels: readonly PriorityLevelConfiguration[], total: number) =>
    digestConfiguration(levels, [], [], total).levels.map(({ name, nominal, min, max }) => [name, nominal, min, max])

  test('of the default ones are upstream’s, with 600 in all', () => {
    expect(seats([...MANDATORY_LEVELS, ...SUGGESTED_LEVELS], 600)).toEqual([
      ['exempt', 0, 0, 600],
      ['catch-all', 13, 13, 613],
      ['system', 74, 50, 674],
      ['node-high', 98, 73, 698],
      ['leader-election', 25, 25, 625],
      ['workload-high', 98, 49, 698],
      ['workload-low', 245, 24, 845],
      ['global-default', 49, 24, 649],
    ])
  })

  test('are by shares, with a limit of what is borrowed', () => {
    const levels = [
      limited('a', { nominalConcurrencyShares: 10, borrowingLimitPercent: 50 }),
      limited('b', { nominalConcurrencyShares: 5, lendablePercent: 100, borrowingLimitPercent: 0 }),
      ...MANDATORY_LEVELS,
    ]
    expect(seats(levels, 20)).toEqual([
      ['a', 10, 10, 15],
      ['b', 5, 0, 5],
      ['exempt', 0, 0, 20],
      ['catch-all', 5, 5, 25],
    ])
  })

  test('are all the mandatory level’s when there is no other', () => {
    expect(seats([], 600)).toEqual([
      ['exempt', 0, 0, 600],
      ['catch-all', 600, 600, 1200],
    ])
  })
})

describe('a configuration', () => {
  test('has the mandatory objects, stored or not', () => {
    const { schemas, levels } = digestConfiguration([], [], [], 10)
    expect(schemas).toEqual(MANDATORY_SCHEMAS)
    expect(levels.map(({ source }) => source)).toEqual(MANDATORY_LEVELS)
  })

  test('leaves out a schema whose level is not there, or only lingers until it is idle', () => {
    const [a, gone] = [limited('a', {}), limited('gone', {})]
    const schemas = [schemaTo('to-a', 'a'), schemaTo('to-gone', 'gone'), schemaTo('to-none', 'none')]
    const digested = digestConfiguration([a], schemas, [gone, a], 10)
    expect(schemas.map((schema) => digested.isFound(schema))).toEqual([true, false, false])
    expect(digested.schemas.map(({ metadata }) => metadata.name)).toEqual(['to-a', 'exempt', 'catch-all'])
    expect(digested.levels.map(({ name, quiescing }) => [name, quiescing])).toEqual([
      ['a', false],
      ['exempt', false],
      ['catch-all', false],
      ['gone', true],
    ])
  })

  test.each([
    ['a limited one that does not say how', { ...limited('x', {}), spec: { type: 'Limited' } }],
    ['an exempt one of another name', { ...limited('x', {}), spec: { type: 'Exempt', exempt: {} } }],
  ])('does without a broken level: %s', (_what, broken) => {
    expect(digestConfiguration([broken], [schemaTo('s', 'x')], [], 10).schemas).toEqual(MANDATORY_SCHEMAS)
  })
})

describe('a schema’s condition', () => {
  const now = '2026-01-01T00:00:00Z'
  test('says that its level is there, or not, and is left alone when it does', () => {
    const found = withDangling(schemaTo('s', 'p'), true, now)!
    expect(found.status?.conditions).toEqual([
      {
        type: 'Dangling',
        status: 'False',
        reason: 'Found',
        message: 'This FlowSchema references the PriorityLevelConfiguration object named "p" and it exists',
        lastTransitionTime: now,
      },
    ])
    expect(withDangling(found, true, 'later')).toBeUndefined()
    expect(withDangling(found, false, 'later')!.status?.conditions).toEqual([
      {
        type: 'Dangling',
        status: 'True',
        reason: 'NotFound',
        message: 'This FlowSchema references the PriorityLevelConfiguration object named "p" but there is no such object',
        lastTransitionTime: 'later',
      },
    ])
  })
})

describe('the default objects', () => {
  const object = (name: string, spec: object, annotation?: string, generation = 1) =>
    ({
      apiVersion: 'v1',
      kind: 'X',
      metadata: { name, uid: name, generation, ...(annotation && { annotations: { [AUTOUPDATE]: annotation, other: 'stays' } }) },
      spec,
    }) as KubeObject & { spec: object }
  const wanted = object('w', { a: 1 }, 'true')
  const plan = (present: object[], kind: 'mandatory' | 'suggested' = 'suggested') =>
    planBootstrap(kind === 'mandatory' ? [wanted] : [], kind === 'suggested' ? [wanted] : [], present as never).map((action) => [
      action.do,
      action.object.spec,
      action.object.metadata.annotations?.[AUTOUPDATE],
      action.object.metadata.generation,
    ])

  test.each([
    ['one that is missing comes back', 'suggested', [], [['create', { a: 1 }, 'true', 1]]],
    ['one as it should be stays', 'suggested', [object('w', { a: 1 }, 'true')], []],
    ['one that was changed is put right', 'suggested', [object('w', { a: 2 }, 'true', 4)], [['update', { a: 1 }, 'true', 5]]],
    ['one that somebody keeps is left', 'suggested', [object('w', { a: 2 }, 'false', 4)], []],
    ['a mandatory one is not', 'mandatory', [object('w', { a: 2 }, 'false', 4)], [['update', { a: 1 }, 'true', 5]]],
    [
      'one without the annotation that nobody changed gets it',
      'suggested',
      [object('w', { a: 1 })],
      [['update', { a: 1 }, 'true', 1]],
    ],
    [
      'one that an older version made is brought up to date',
      'suggested',
      [object('w', { a: 0 })],
      [['update', { a: 1 }, 'true', 2]],
    ],
    [
      'one that was changed without it is somebody’s',
      'suggested',
      [object('w', { a: 2 }, undefined, 2)],
      [['update', { a: 2 }, 'false', 2]],
    ],
    ['nonsense in it says nothing', 'suggested', [object('w', { a: 2 }, 'yes', 2)], [['update', { a: 2 }, 'false', 2]]],
    [
      'what only an older version had goes, unless somebody keeps it or made it',
      'suggested',
      [wanted, object('old', {}, 'true'), object('kept', {}, 'false'), object('own', {})],
      [['delete', {}, 'true', 1]],
    ],
  ] as const)('%s', (_what, kind, present, expected) => {
    expect(plan([...present], kind)).toEqual(expected)
  })

  test('the exempt level counts for what the administrator says', () => {
    const exempt = structuredClone(MANDATORY_LEVELS[0]!) as KubeObject & { spec: { exempt: object } }
    exempt.spec.exempt = { nominalConcurrencyShares: 10, lendablePercent: 50 }
    expect(planBootstrap([MANDATORY_LEVELS[0] as never], [], [exempt])).toEqual([])
  })
})

describe('the width of a request', () => {
  const level = (nominal: number, more: object = {}) =>
    ({ nominal, exempt: false, queuing: { queues: 64, handSize: 6, queueLengthLimit: 50 }, ...more }) as unknown as Level
  test.each([
    ['a write', 'POST', '/api/v1/namespaces/a/pods', level(245), 1],
    ['one object', 'GET', '/api/v1/namespaces/a/pods/p', level(245), 1],
    ['a short list', 'GET', '/api/v1/nodes', level(245), 1],
    ['a long list', 'GET', '/api/v1/pods', level(245), 5],
    ['a page of it', 'GET', '/api/v1/pods?limit=150', level(245), 2],
    ['a list of one', 'GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', level(245), 1],
    ['in a small level', 'GET', '/api/v1/pods', level(20), 3],
    ['in a tiny level', 'GET', '/api/v1/pods', level(2), 1],
    ['in a level without queues', 'GET', '/api/v1/pods', level(2, { queuing: undefined }), 5],
    ['in the exempt level', 'GET', '/api/v1/pods', level(0, { exempt: true }), 1],
    ['a watch from now', 'GET', '/api/v1/pods?watch=1&resourceVersion=5', level(245), 1],
    ['a watch from the state', 'GET', '/api/v1/pods?watch=1', level(245), 5],
    ['a watch with the state', 'GET', '/api/v1/pods?watch=1&resourceVersion=5&sendInitialEvents=true', level(245), 5],
  ])('%s', (_what, method, url, of, expected) => {
    const stored = ({ resource }: { resource: string }) => (resource === 'pods' ? 450 : 100)
    expect(widthOf(parseRequestInfo(method, url), of, stored)).toBe(expected)
  })
})

describe('how long a refused client stays away', () => {
  const refuse = (patience: RetryAfter, second: number, times: number) => {
    let answer = 0
    for (let i = 0; i < times; i++) answer = patience.refuse(second)
    return answer
  }
  test('doubles while refusals go on, up to half a minute, and shrinks when they cease', () => {
    const patience = new RetryAfter()
    const answers = Array.from({ length: 70 }, (_, second) => refuse(patience, second, 10))
    expect(answers.slice(0, 8)).toEqual([1, 2, 2, 4, 4, 4, 4, 8])
    expect(answers.at(-1)).toBe(32)
    expect(refuse(patience, 200, 1)).toBe(31)
    expect(refuse(patience, 300, 1)).toBe(30)
  })
  test('is a second for a few', () => {
    const patience = new RetryAfter()
    expect(Array.from({ length: 20 }, (_, second) => refuse(patience, second, 2))).toEqual(Array.from({ length: 20 }, () => 1))
  })
})

test('an object is written six times a minute at most', () => {
  let now = 0
  const budget = new WriteBudget(() => now)
  const taken = Array.from({ length: 8 }, () => {
    now += 1000
    return budget.take('a')
  })
  expect(taken).toEqual([0, 0, 0, 0, 0, 0, 54_000, 53_000])
  expect(budget.take('b')).toBe(0)
  now = 61_000
  expect([budget.take('a'), budget.take('a')]).toEqual([0, 1000])
})
