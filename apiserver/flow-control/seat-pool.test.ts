import { describe, expect, test } from 'vitest'
import { SeatPool, type Flow, type LevelSetup, type Ticket } from './seat-pool.ts'

const QUEUING = { queues: 8, handSize: 1, queueLengthLimit: 2 }

const level = (name: string, nominal: number, more: Partial<LevelSetup> = {}): LevelSetup => ({
  name,
  uid: '',
  exempt: false,
  nominal,
  min: nominal,
  max: nominal,
  queuing: undefined,
  ...more,
})

/** Flows are named by the queue that they are dealt. */
const flow = (queue = 0, apart = false): Flow => ({ apart, seatsInUse: 0, handOf: () => [queue] })

function poolOf(...setups: LevelSetup[]) {
  const pool = new SeatPool(() => 0)
  pool.configure(setups)
  const began: string[] = []
  const ticket = (name: string, of: Flow = flow(), seats = 1): Ticket => ({
    level: pool.level(name)!,
    flow: of,
    seats,
    startedAt: 0,
    isRunning: false,
    queue: undefined,
    onStart: () => void began.push(name),
  })
  const enter = (name: string, of?: Flow, seats?: number) => {
    const one = ticket(name, of, seats)
    return { one, answer: pool.enter(one) }
  }
  /** How many get in before one does not. */
  const fill = (name: string, of?: Flow) => {
    const inside: Ticket[] = []
    for (;;) {
      const { one, answer } = enter(name, of)
      if (answer !== 'started') {
        if (answer === 'waits') pool.giveUp(one, 'cancelled')
        return inside
      }
      inside.push(one)
      if (inside.length > 1000) throw new Error('Cannot fill the level: it has no end')
    }
  }
  return { pool, enter, fill, began }
}

describe('a level', () => {
  test('without queues refuses what is beyond its seats, and gives them again', () => {
    const { pool, enter } = poolOf(level('a', 2))
    const first = enter('a')
    expect([first.answer, enter('a').answer, enter('a').answer]).toEqual(['started', 'started', 'concurrency-limit'])
    pool.leave(first.one)
    expect(enter('a').answer).toBe('started')
    expect(pool.level('a')).toMatchObject({ seatsInUse: 2, executing: 2, dispatched: 3, rejected: 1 })
  })

  test('with queues lets wait until the queue is full, and then refuses', () => {
    const { pool, enter, began } = poolOf(level('a', 1, { queuing: QUEUING }))
    const { one } = enter('a')
    expect([enter('a').answer, enter('a').answer, enter('a').answer]).toEqual(['waits', 'waits', 'queue-full'])
    expect(enter('a', flow(1)).answer).toBe('waits')
    pool.leave(one)
    expect(began).toEqual(['a'])
    expect(pool.level('a')!.queues.waiting).toBe(2)
  })

  test('that is exempt never refuses', () => {
    const { enter } = poolOf(level('e', 0, { exempt: true, max: 0 }))
    for (let i = 0; i < 100; i++) expect(enter('e').answer).toBe('started')
  })

  test('of no seats at all holds what is sent there', () => {
    const { enter } = poolOf(level('jail', 0), level('queued', 0, { queuing: QUEUING }), level('a', 5))
    expect([enter('jail').answer, enter('queued').answer]).toEqual(['concurrency-limit', 'waits'])
  })

  test('serves a request that is wider than it when it is alone, and nobody behind it before', () => {
    const { pool, enter, began } = poolOf(level('a', 3, { queuing: QUEUING }))
    const narrow = enter('a')
    expect([enter('a', flow(1), 10).answer, enter('a', flow(1)).answer]).toEqual(['waits', 'waits'])
    pool.leave(narrow.one)
    expect([began.length, pool.level('a')!.seatsInUse]).toEqual([1, 10])
  })

  test('lets others go on when one that was too wide gives up', () => {
    const { pool, enter, began } = poolOf(level('a', 3, { queuing: QUEUING }))
    enter('a')
    const wide = enter('a', flow(1), 3)
    enter('a', flow(1))
    expect(began).toEqual([])
    pool.giveUp(wide.one, 'timedOut')
    expect(began).toEqual(['a'])
    expect(pool.level('a')).toMatchObject({ timedOut: 1, rejected: 1 })
  })
})

describe('what a level lends', () => {
  const lends = (max = 20) => poolOf(level('low', 10, { min: 4, max, queuing: QUEUING }), level('high', 10, { min: 8, max: 20 }))

  test('others have while it does not need it, but never more than they may', () => {
    expect(lends().fill('low')).toHaveLength(12)
    expect(lends(11).fill('low')).toHaveLength(11)
  })

  test('leaves it what it does not lend, at any time', () => {
    const { fill } = lends()
    fill('low')
    expect(fill('high')).toHaveLength(8)
  })

  test('comes back as requests end: first to who uses least of his own', () => {
    const setup = { min: 2, max: 20, queuing: QUEUING }
    const { pool, enter, fill, began } = poolOf(level('low', 10, setup), level('high', 10, setup))
    const inside = fill('low')
    expect(inside).toHaveLength(18)
    fill('high')
    enter('low')
    enter('high')
    pool.leave(inside.pop()!)
    pool.leave(inside.pop()!)
    expect(began).toEqual(['high', 'low'])
  })

  test('is used up by who is exempt', () => {
    const { enter, fill } = poolOf(
      level('low', 10, { min: 4, max: 20 }),
      level('high', 10, { min: 8, max: 20 }),
      level('e', 0, { exempt: true }),
    )
    for (let i = 0; i < 100; i++) enter('e')
    expect([fill('low').length, fill('high').length]).toEqual([4, 8])
  })
})

describe('a flow', () => {
  test('leaves others a quarter of what its level can have', () => {
    const { fill } = poolOf(level('low', 10, { min: 4, max: 20, queuing: QUEUING }), level('high', 10, { min: 6, max: 20 }))
    expect(fill('low', flow(0, true))).toHaveLength(11)
    expect(fill('low', flow(1, true))).toHaveLength(3)
  })

  test.each([
    ['the only one of its schema', 8, flow(), 8],
    ['in a level of three', 3, flow(0, true), 3],
    ['in a level of four', 4, flow(0, true), 3],
  ])('%s: of %s seats', (_what, seats, of, expected) => {
    expect(poolOf(level('a', seats)).fill('a', of)).toHaveLength(expected)
  })

  test('that has its part lets others of its level go first', () => {
    const { pool, enter, fill } = poolOf(level('a', 4, { queuing: QUEUING }))
    const eve = flow(0, true)
    const inside = fill('a', eve)
    expect([enter('a', eve).answer, enter('a', flow(1, true)).answer]).toEqual(['waits', 'started'])
    pool.leave(inside.pop()!)
    expect([pool.level('a')!.queues.waiting, pool.level('a')!.seatsInUse, eve.seatsInUse]).toEqual([0, 4, 3])
  })
})

describe('another configuration', () => {
  test('keeps what is at work, and starts what it has seats for', () => {
    const { pool, enter, began } = poolOf(level('a', 1, { queuing: QUEUING }))
    const { one } = enter('a')
    enter('a')
    pool.configure([level('a', 3, { queuing: QUEUING }), level('b', 1)])
    expect([began, pool.level('a')!.seatsInUse]).toEqual([['a'], 2])
    pool.leave(one)
    expect(pool.level('a')!.seatsInUse).toBe(1)
  })
})
