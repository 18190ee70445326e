import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createIndexedStore } from '../client/indexed-store.ts'
import { createCache } from '../client/shared-informers.ts'
import { createPodInfo, type PodInfo } from './pod-info.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { makeNode, makePod } from './testing.ts'

const store = createIndexedStore()
const empty = () => createSnapshot(createCache(() => ({ store })))
const zone = 'topology.kubernetes.io/zone'

const term = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: zone })
const podOf = (index: number, app: string): PodInfo =>
  createPodInfo(
    makePod(`pod-${index}`, {
      labels: { app },
      cpu: '100m',
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [term('a')],
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: term('b') }],
        },
      },
    }),
  )

type Step =
  | { do: 'place'; pod: number; app: string; node: number }
  | { do: 'remove'; pod: number }
  | { do: 'setNode'; node: number; zone: string }
  | { do: 'deleteNode'; node: number }
  | { do: 'look' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('place' as const), pod: fc.nat(5), app: fc.constantFrom('a', 'b'), node: fc.nat(3) }),
    fc.record({ do: fc.constant('remove' as const), pod: fc.nat(5) }),
    fc.record({ do: fc.constant('setNode' as const), node: fc.nat(3), zone: fc.constantFrom('x', 'y') }),
    fc.record({ do: fc.constant('deleteNode' as const), node: fc.nat(3) }),
    fc.record({ do: fc.constant('look' as const) }),
  ),
  { maxLength: 40 },
)

/** Everything that decisions read, in an order that does not depend on history. */
function picture(snapshot: Snapshot): unknown {
  const probe = podOf(99, 'a')
  const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort()
  const [anti] = probe.requiredAntiAffinity
  return {
    nodes: snapshot
      .nodes()
      .map(({ name, requested, nonZeroRequested, pods }) => ({
        name,
        milliCpu: requested.milliCpu,
        nonZeroRequested,
        pods: [...pods.keys()].sort(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    selected: sorted(snapshot.terms.select(anti!.pods).byNode),
    places: sorted(snapshot.terms.select(anti!.pods).byPlace(zone)),
    carried: snapshot.terms
      .antiAffinityAgainst(probe)
      .map(({ carriers }) => [sorted(carriers.byNode), sorted(carriers.byPlace(zone))]),
    domains: [...snapshot.domains(zone).values].sort(),
  }
}

describe('a snapshot', () => {
  test('that was changed step by step equals one that was made anew', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const snapshot = empty()
        const nodes = new Map<string, string>()
        const places = new Map<number, { app: string; node: string }>()
        for (const step of list) {
          if (step.do === 'place') {
            snapshot.place(podOf(step.pod, step.app), `node-${step.node}`)
            places.set(step.pod, { app: step.app, node: `node-${step.node}` })
          } else if (step.do === 'remove') {
            snapshot.remove(podOf(step.pod, 'a').uid)
            places.delete(step.pod)
          } else if (step.do === 'setNode') {
            snapshot.setNode(makeNode(`node-${step.node}`, { zone: step.zone }))
            nodes.set(`node-${step.node}`, step.zone)
          } else if (step.do === 'deleteNode') {
            snapshot.deleteNode(`node-${step.node}`)
            nodes.delete(`node-${step.node}`)
          } else picture(snapshot)
        }
        const anew = empty()
        for (const [name, where] of nodes) anew.setNode(makeNode(name, { zone: where }))
        for (const [pod, { app, node }] of places) anew.place(podOf(pod, app), node)
        expect(picture(snapshot)).toEqual(picture(anew))
      }),
      { numRuns: 300 },
    )
  })

  test('tries the zones in turn', () => {
    const snapshot = empty()
    for (const [name, where] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['a3', 'a'],
      ['b1', 'b'],
    ] as const)
      snapshot.setNode(makeNode(name, { zone: where }))
    expect(snapshot.nodes().map(({ name }) => name)).toEqual(['a1', 'b1', 'a2', 'a3'])
  })

  test('takes a new status of a placed pod without counting anything again, but not new labels', () => {
    const snapshot = empty()
    snapshot.setNode(makeNode('node-1'))
    const pod = makePod('web', { nodeName: 'node-1', labels: { app: 'a' } })
    snapshot.place(createPodInfo({ ...pod, spec: makePod('web').spec }), 'node-1')
    expect(snapshot.refresh({ ...pod, status: { phase: 'Running' } })).toBe(true)
    expect(snapshot.placeOf(pod.metadata.uid)?.pod.pod.status?.phase).toBe('Running')
    expect(snapshot.refresh({ ...pod, metadata: { ...pod.metadata, labels: { app: 'b' } } })).toBe(false)
    expect(snapshot.refresh({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(false)
  })
})
