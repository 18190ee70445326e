import { describe, expect, test } from 'vitest'
import { FairQueues, type Queued } from './fair-queues.ts'

interface Item extends Queued {
  of: string
}

const item = (of: string, seats = 1): Item => ({ of, seats, queue: undefined, startedAt: 0 })

/** One seat, which each request has for as long as its flow's take. `clock` goes on with it. */
function serve(queues: FairQueues<Item>, took: Record<string, number>, turns: number, clock = { now: 0 }): string {
  let order = ''
  for (let i = 0; i < turns; i++) {
    const next = queues.next(clock.now, () => true)
    if (!next) return order
    queues.startWaiting(next, clock.now)
    order += next.of
    clock.now += took[next.of] ?? 3
    queues.finish(next, clock.now)
  }
  return order
}

const fill = (queues: FairQueues<Item>, index: number, of: string, count: number, seats = 1, now = 0) => {
  for (let i = 0; i < count; i++) queues.add(item(of, seats), queues.choose([index]), now)
}

const countOf = (order: string, of: string) => order.split(of).length - 1

describe('whose turn it is', () => {
  test('goes round, however many one has waiting', () => {
    const queues = new FairQueues<Item>()
    fill(queues, 0, 'e', 50)
    fill(queues, 1, 'a', 3)
    expect(serve(queues, {}, 8)).toBe('eaeaeaee')
  })

  test('is by time and not by number: who takes ten times as long has a tenth of the turns', () => {
    const queues = new FairQueues<Item>()
    fill(queues, 0, 'l', 100)
    fill(queues, 1, 's', 200)
    const order = serve(queues, { l: 100, s: 10 }, 110)
    expect(countOf(order, 'l')).toBeGreaterThanOrEqual(9)
    expect(countOf(order, 'l')).toBeLessThanOrEqual(12)
  })

  test('counts seats: a request of ten is ten requests', () => {
    const queues = new FairQueues<Item>()
    fill(queues, 0, 'w', 50, 10)
    fill(queues, 1, 'n', 50)
    const order = serve(queues, {}, 44)
    expect(countOf(order, 'w')).toBeGreaterThanOrEqual(3)
    expect(countOf(order, 'w')).toBeLessThanOrEqual(5)
  })

  test('is not owed for the time before: who comes late shares from then on', () => {
    const queues = new FairQueues<Item>()
    const clock = { now: 0 }
    fill(queues, 0, 'e', 100)
    serve(queues, { e: 100 }, 50, clock)
    fill(queues, 1, 'a', 20, 1, clock.now)
    expect(serve(queues, { e: 100, a: 100 }, 20, clock)).toMatch(/^(ea|ae){10}$/)
  })

  test('nobody owes for what ran while nothing else waited', () => {
    const queues = new FairQueues<Item>()
    const clock = { now: 0 }
    fill(queues, 0, 'e', 1)
    serve(queues, { e: 60_000 }, 1, clock)
    fill(queues, 0, 'e', 2, 1, clock.now)
    fill(queues, 1, 'a', 2, 1, clock.now)
    expect(serve(queues, {}, 4, clock)).toBe('eaea')
  })

  test('comes to who has no seat before who has many, however long he has waited', () => {
    const queues = new FairQueues<Item>()
    for (let i = 0; i < 10; i++) queues.startAtOnce(item('e'), queues.choose([0]), 0)
    queues.startAtOnce(item('b'), queues.choose([1]), 0)
    fill(queues, 0, 'e', 5, 1, 10)
    fill(queues, 1, 'b', 5, 1, 20)
    fill(queues, 2, 'a', 2, 1, 1000)
    expect(serve(queues, {}, 3, { now: 1000 })).toBe('baa')
  })

  test('passes over who may not be served now', () => {
    const queues = new FairQueues<Item>()
    fill(queues, 0, 'e', 2)
    fill(queues, 1, 'a', 1)
    expect(queues.next(0, ({ of }) => of !== 'e')!.of).toBe('a')
    expect(queues.next(0, () => false)).toBeUndefined()
  })
})

describe('a queue', () => {
  test('is the shortest of the hand, equal ones in turn', () => {
    const queues = new FairQueues<Item>()
    const hand = [4, 9]
    const chosen = [queues.choose(hand), queues.choose(hand), queues.choose(hand)]
    expect(chosen[0]).not.toBe(chosen[1])
    expect(chosen[2]).toBe(chosen[0])
    queues.add(item('e'), chosen[0]!, 0)
    expect([queues.choose(hand), queues.choose(hand)]).toEqual([chosen[1], chosen[1]])
  })

  test('is left from the middle, too', () => {
    const queues = new FairQueues<Item>()
    const queue = queues.choose([0])
    const items = [item('a'), item('b', 3), item('c')]
    for (const one of items) queues.add(one, queue, 0)
    expect([queues.waiting, queues.waitingSeats]).toEqual([3, 5])
    queues.remove(items[1]!)
    queues.remove(items[1]!)
    expect([queues.waiting, queues.waitingSeats]).toEqual([2, 2])
    expect(serve(queues, {}, 5)).toBe('ac')
    expect([...queues.inUse()]).toEqual([])
  })
})
