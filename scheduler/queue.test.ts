import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import type { SchedulerPlugin } from './framework.ts'
import { createHeap } from './heap.ts'
import { createPodInfo } from './pod-info.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { createQueue } from './queue.ts'
import { makeNode, makePod } from './testing.ts'

const wantsNodes: SchedulerPlugin = { name: 'WantsNodes', isHelpedBy: (_, { kind }) => kind === 'Node' }
const hopeless: SchedulerPlugin = { name: 'Hopeless' }
const nodeAdded = { kind: 'Node', type: 'add', object: makeNode('n') } as const
const info = (name: string, priority = 0) => createPodInfo(makePod(name, { priority }))

function make() {
  const clock = createTestClock()
  const queue = createQueue({ clock, plugins: [wantsNodes, hopeless, schedulingGates] })
  return { clock, queue, popped: () => queue.pop()?.info.pod.metadata.name }
}

describe('the scheduling queue', () => {
  test('gives the most important pod first, and among equals the one that waits longest', async () => {
    const { queue, clock, popped } = make()
    queue.add(info('first'))
    await clock.advance(1)
    queue.add(info('second'))
    queue.add(info('important', 10))
    expect([popped(), popped(), popped(), popped()]).toEqual(['important', 'first', 'second', undefined])
  })

  test('wakes a pod only for an event that helps a plugin which refused it', async () => {
    const { queue, clock, popped } = make()
    queue.add(info('a'))
    queue.add(info('b'))
    queue.unschedulable(queue.pop()!, new Set(['WantsNodes']))
    queue.unschedulable(queue.pop()!, new Set(['Hopeless']))
    queue.happened(nodeAdded, 'nodes/n@1')
    expect(queue.sizes()).toMatchObject({ active: 0, backoff: 1, unschedulable: 1 })
    await clock.advance(1000)
    expect(popped()).toBe('a')
    expect(popped()).toBeUndefined()
  })

  test('wakes a pod that no plugin refused, because there was no node, for any event', async () => {
    const { queue, clock, popped } = make()
    queue.add(info('a'))
    queue.unschedulable(queue.pop()!, new Set())
    queue.happened(nodeAdded, 'nodes/n@1')
    await clock.advance(1000)
    expect(popped()).toBe('a')
  })

  test('waits 1 s after the first failure, twice as long after each further one, at most 10 s', async () => {
    const { queue, clock } = make()
    queue.add(info('a'))
    const waits: number[] = []
    for (let attempt = 0; attempt < 6; attempt++) {
      const start = clock.now().getTime()
      queue.retry(queue.pop()!)
      while (queue.sizes().active === 0) await clock.advance(100)
      waits.push(clock.now().getTime() - start)
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000])
  })

  test('tries a pod again after five minutes even when nothing happened', async () => {
    const { queue, clock, popped } = make()
    queue.add(info('a'))
    queue.unschedulable(queue.pop()!, new Set(['Hopeless']))
    await clock.advance(5 * 60_000)
    expect(popped()).toBeUndefined()
    await clock.advance(60_000)
    expect(popped()).toBe('a')
  })

  test('a change of the pod that may help wakes it, our own writes to its status do not', async () => {
    const { queue, clock, popped } = make()
    queue.add(info('a'))
    queue.unschedulable(queue.pop()!, new Set(['Hopeless']))
    queue.update(info('a'), false)
    await clock.advance(20_000)
    expect(popped()).toBeUndefined()
    queue.update(info('a'), true)
    expect(popped()).toBe('a')
  })

  test('a pod that made room waits for the last that must leave, and is tried then without delay', async () => {
    const { queue, popped } = make()
    const gone = (name: string) => ({ kind: 'Pod', type: 'delete', object: makePod(name, { nodeName: 'n' }) }) as const
    queue.add(info('preemptor'))
    queue.unschedulable(queue.pop()!, new Set(['WantsNodes']), [info('a').uid, info('b').uid])
    queue.happened(gone('other'))
    queue.happened(gone('a'))
    expect(popped()).toBeUndefined()
    queue.happened(gone('b'))
    expect(popped()).toBe('preemptor')
  })

  test('a pod that made room takes other room that comes meanwhile, but not what another made', async () => {
    const wantsRoom: SchedulerPlugin = {
      name: 'WantsRoom',
      isHelpedBy: (_, { kind, type }) => kind === 'Pod' && type === 'delete',
    }
    const clock = createTestClock()
    const queue = createQueue({ clock, plugins: [wantsRoom] })
    const gone = (name: string) => ({ kind: 'Pod', type: 'delete', object: makePod(name, { nodeName: 'n' }) }) as const
    for (const name of ['one', 'two']) {
      queue.add(info(name))
      queue.unschedulable(queue.pop()!, new Set(['WantsRoom']), [info(`victim-of-${name}`).uid])
    }
    queue.happened(gone('victim-of-one'))
    expect(queue.sizes()).toMatchObject({ active: 1, backoff: 0, unschedulable: 1 })
    queue.happened(gone('somebody'))
    expect(queue.sizes()).toMatchObject({ active: 1, backoff: 1, unschedulable: 0 })
  })

  test('a deleted pod comes from nowhere any more', async () => {
    const { queue, clock, popped } = make()
    for (const name of ['active', 'backoff', 'unschedulable']) queue.add(info(name))
    queue.delete(info('active').uid)
    queue.retry(queue.pop()!)
    queue.unschedulable(queue.pop()!, new Set(['WantsNodes']))
    queue.delete(info('backoff').uid)
    queue.delete(info('unschedulable').uid)
    queue.happened(nodeAdded)
    await clock.advance(60_000)
    expect(popped()).toBeUndefined()
    expect(queue.sizes()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 })
  })
})

test('a heap gives its entries in order, whatever was put in, replaced and taken out', () => {
  const operations = fc.array(fc.record({ key: fc.nat(15), value: fc.integer(), remove: fc.boolean() }))
  fc.assert(
    fc.property(operations, (list) => {
      const heap = createHeap<{ key: string; value: number }>(
        ({ key }) => key,
        (a, b) => a.value - b.value,
      )
      const expected = new Map<string, number>()
      for (const { key, value, remove } of list) {
        if (remove) {
          heap.delete(String(key))
          expected.delete(String(key))
        } else {
          heap.push({ key: String(key), value })
          expected.set(String(key), value)
        }
      }
      const got: number[] = []
      for (let entry = heap.pop(); entry; entry = heap.pop()) got.push(entry.value)
      expect(got).toEqual([...expected.values()].sort((a, b) => a - b))
    }),
  )
})
