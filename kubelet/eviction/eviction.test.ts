import { describe, expect, it } from 'vitest'
import type { Container, Pod } from '../../api/generated/types.ts'
import { judgePressure } from '../admission.ts'
import { planImageRemoval } from '../images/image-removal.ts'
import { trackThresholds } from './pressure-tracker.ts'
import type { ContainerStats } from '../runtime/cri-types.ts'
import { evictionMessage } from './message.ts'
import { usageByName } from './observe.ts'
import { exceededLimit, type PodUsage, rankForEviction } from './rank.ts'
import {
  computeThresholds,
  defaultHard,
  meets,
  type NodePressure,
  type Observation,
  parseThresholdList,
  type Signal,
} from './thresholds.ts'

const none = { soft: {}, softGraceMs: {}, minReclaim: {} }
const Mi = 1024 * 1024
const pod = (name: string, spec: Partial<Pod['spec']> = {}, container: Partial<Container> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, uid: name, namespace: 'default' },
  spec: { containers: [{ name: 'main', ...container }], ...spec },
})
const asks = (resource: string, amount: string) => ({ resources: { requests: { [resource]: amount } } })
const limited = (limits: Record<string, string>) => ({ resources: { limits } })
const used = (memoryMi: number, diskMi = 0, processes = 1): PodUsage => ({
  containers: [{ name: 'main', memoryBytes: memoryMi * Mi, diskBytes: diskMi * Mi, inodes: diskMi }],
  volumes: new Map(),
  processes,
})
const seen = (signal: Signal, available: number, capacity = 1000): Map<Signal, Observation> =>
  new Map([[signal, { available, capacity }]])

describe('thresholds', () => {
  it.each([
    ['memory.available<100Mi', [{ signal: 'memory.available', value: { quantity: 100 * Mi } }]],
    ['nodefs.available<10%, pid.available<5', [{ value: { share: 0.1 } }, { signal: 'pid.available', value: { quantity: 5 } }]],
    ['nodefs.available<0%', []],
    ['', []],
  ])('%j are read', (text, expected) => {
    expect(computeThresholds({ hard: parseThresholdList(text), ...none })).toMatchObject(expected)
  })

  it.each([
    [() => parseThresholdList('memory.available=1'), 'it must be <signal><<value>'],
    [() => computeThresholds({ hard: { 'cpu.idle': '1' }, ...none }), 'there is no signal "cpu.idle"'],
    [() => computeThresholds({ hard: { 'pid.available': '120%' }, ...none }), '120% is not between 0% and 100%'],
    [() => computeThresholds({ ...none, hard: {}, soft: { 'pid.available': '1' } }), 'grace period must be specified'],
  ])('that make no sense are refused (%#)', (read, why) => expect(read).toThrow(why))

  it.each([
    [99, false, true],
    [100, false, false],
    [120, true, true],
    [150, true, false],
  ])('with %i left, met before: %s, are met: %s', (available, before, expected) => {
    const [threshold] = computeThresholds({
      ...none,
      hard: { 'nodefs.available': '10%' },
      minReclaim: { 'nodefs.available': '50' },
    })
    expect(meets(threshold!, seen('nodefs.available', available), before)).toBe(expected)
  })

  it('of the soft kind are due after their time, memory first', () => {
    const thresholds = computeThresholds({
      ...none,
      hard: defaultHard,
      soft: { 'memory.available': '50%' },
      softGraceMs: { 'memory.available': 1000 },
    })
    const low = new Map([...seen('nodefs.available', 1), ...seen('memory.available', 400 * Mi, 1000 * Mi)])
    const first = trackThresholds(thresholds, low, new Map(), 0)
    expect(first.due.map(({ signal }) => signal)).toEqual(['nodefs.available'])
    const then = trackThresholds(thresholds, low, first.since, 1000)
    expect(then.due.map(({ signal }) => signal)).toEqual(['memory.available', 'nodefs.available'])
    expect(trackThresholds(thresholds, seen('nodefs.available', 900), then.since, 2000).since.size).toBe(0)
  })
})

describe('the order in which pods leave', () => {
  it.each<[string, Signal, Pod[], Record<string, PodUsage>, string]>([
    [
      'above its request first',
      'memory.available',
      [pod('a', {}, asks('memory', '9Mi')), pod('b')],
      { a: used(5), b: used(1) },
      'b a',
    ],
    ['the lower priority first', 'memory.available', [pod('a', { priority: 5 }), pod('b')], { a: used(9), b: used(1) }, 'b a'],
    [
      'priority counts only after requests',
      'memory.available',
      [pod('a', { priority: 5 }), pod('b', {}, asks('memory', '9Mi'))],
      { a: used(1), b: used(2) },
      'a b',
    ],
    [
      'the most above its request first',
      'memory.available',
      [pod('a', {}, asks('memory', '9Mi')), pod('b')],
      { a: used(12), b: used(5) },
      'b a',
    ],
    ['what nothing is known of first', 'memory.available', [pod('a'), pod('b')], { a: used(9) }, 'b a'],
    ['the fullest first', 'nodefs.available', [pod('a'), pod('b')], { a: used(9, 1), b: used(1, 5) }, 'b a'],
    ['the most files first', 'nodefs.inodesFree', [pod('a'), pod('b')], { a: used(9, 1), b: used(1, 5) }, 'b a'],
    ['the most processes first', 'pid.available', [pod('a'), pod('b')], { a: used(9, 9, 1), b: used(1, 1, 50) }, 'b a'],
  ])('%s', (_, signal, pods, usages, order) => {
    const ranked = rankForEviction(pods, signal, ({ metadata }) => usages[metadata.uid])
    expect(ranked.map(({ metadata }) => metadata.name).join(' ')).toBe(order)
  })
})

describe('a pod that uses more than it may', () => {
  const full = (mi: number): PodUsage => ({ ...used(0), volumes: new Map([['cache', { bytes: mi * Mi, inodes: 1 }]]) })
  const volumes = (medium?: string) => [{ name: 'cache', emptyDir: { sizeLimit: '1Mi', ...(medium ? { medium } : {}) } }]
  it.each<[string, Pod, PodUsage, string | undefined]>([
    ['a volume', pod('a', { volumes: volumes() }), full(2), 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". '],
    ['a volume in bounds', pod('a', { volumes: volumes() }), full(1), undefined],
    ['a volume in memory', pod('a', { volumes: volumes('Memory') }), full(2), undefined],
    [
      'all its storage',
      pod('a', {}, limited({ 'ephemeral-storage': '1Mi' })),
      used(0, 2),
      'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ',
    ],
    [
      "a container's storage",
      pod('a', { containers: [{ name: 'main', ...limited({ 'ephemeral-storage': '1Mi' }) }, { name: 'b' }] }),
      used(0, 2),
      'Container main exceeded its local ephemeral storage limit "1Mi". ',
    ],
    ['nothing', pod('a'), used(9, 9), undefined],
  ])('%s', (_, subject, usage, why) => expect(exceededLimit(subject, usage)).toBe(why))
})

describe('what a pod uses', () => {
  const run = (attempt: number, memory: number | null, disk: number) => ({
    attributes: { id: `main-${attempt}`, metadata: { name: 'main', attempt }, labels: {} },
    cpu: null,
    memory: memory === null ? null : ({ workingSetBytes: { value: memory } } as ContainerStats['memory']),
    writableLayer: { timestamp: 0, fsId: null, usedBytes: { value: disk }, inodesUsed: { value: 1 } },
  })
  it('is told once for a container that was restarted', () => {
    const usages = usageByName([run(1, 7, 2), run(0, null, 3)])
    expect(usages).toEqual([{ name: 'main', memoryBytes: 7, diskBytes: 5, inodes: 2 }])
  })
})

describe('an evicted pod', () => {
  it('is told why', () => {
    const [threshold] = computeThresholds({ ...none, hard: { 'memory.available': '100Mi' } })
    const text = evictionMessage(pod('a'), threshold!, { available: 50 * Mi, capacity: 1000 * Mi }, used(7))
    expect(text).toBe(
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
        'Container main was using 7Mi, request is 0, has larger consumption of memory. ',
    )
  })

  it.each<[string, Pod, NodePressure[], boolean]>([
    ['no pressure', pod('a'), [], true],
    ['memory, and nothing asked for', pod('a'), ['MemoryPressure'], false],
    ['memory, and some asked for', pod('a', {}, asks('memory', '1Mi')), ['MemoryPressure'], true],
    ['disk', pod('a', {}, asks('memory', '1Mi')), ['DiskPressure'], false],
    ['disk, and the node needs it', pod('a', { priority: 2_000_000_000 }), ['DiskPressure'], true],
  ])('is not taken in its place: %s', (_, subject, pressures, taken) => {
    expect(judgePressure(subject, new Set(pressures)) === undefined).toBe(taken)
  })
})

describe('images that go', () => {
  const image = (id: string, size: number, digests = [`${id}@sha256:1`]) => ({
    id,
    size,
    repoTags: [],
    repoDigests: digests,
    uid: null,
    username: '',
  })
  const use = (firstSeenMs: number, lastUsedMs: number) => ({ firstSeenMs, lastUsedMs })
  it.each([
    ['the longest unused first, until enough is free', 5, ['old']],
    ['as many as it takes', 15, ['old', 'newer']],
    ['never those in use, loaded by hand, or just pulled', 1000, ['old', 'newer']],
  ])('%s', (_, bytesToFree, expected) => {
    const images = [image('newer', 10), image('old', 10), image('used', 10), image('loaded', 10, []), image('fresh', 10)]
    const uses = new Map([
      ['newer', use(0, 500)],
      ['old', use(0, 100)],
      ['used', use(0, 1000)],
      ['loaded', use(0, 0)],
      ['fresh', use(990, 0)],
    ])
    const { remove } = planImageRemoval(images, new Set(['used']), uses, { bytesToFree, nowMs: 1000, minimumAgeMs: 120 })
    expect(remove.map(({ id }) => id)).toEqual(expected)
  })
})
