import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Node, Pod } from '../../api/generated/types.ts'
import { createIndexedStore } from '../../client/indexed-store.ts'
import { createCache } from '../../client/shared-informers.ts'
import { createRandom, decide, type Profile } from '../decide.ts'
import { createPlugins } from '../plugins.ts'
import { createPodInfo } from '../pod-info.ts'
import { clusters, shapes } from '../random-clusters.ts'
import { findRelaxations } from './relaxations.ts'
import { createSnapshot } from '../snapshot.ts'
import { makeNode, makePod, type PodShape } from '../testing.ts'

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }
const store = createIndexedStore()
const cache = createCache(() => ({ store }))
const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'
const web = { matchLabels: { app: 'web' } }

function relax(pod: Pod, nodes: Node[], placed: Pod[] = []) {
  const snapshot = createSnapshot(cache)
  for (const node of nodes) snapshot.setNode(node)
  for (const each of placed) snapshot.place(createPodInfo(each), each.spec.nodeName!)
  const before = JSON.stringify(snapshot.nodes().map(({ node, requested }) => ({ node, requested })))
  const found = findRelaxations(createPodInfo(pod), snapshot, profile)
  expect(JSON.stringify(snapshot.nodes().map(({ node, requested }) => ({ node, requested })))).toBe(before)
  return found.map(({ changes, nodes: names }) => `${names.toSorted().join()}: ${changes.join(', and ')}`)
}

const pod = (shape: PodShape = {}) => makePod('p', shape)
const on = (name: string, nodeName: string, shape: PodShape = {}) => makePod(name, { ...shape, nodeName })
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' }

describe('what would let a pod be scheduled', () => {
  test.each<[string, Pod, Node[], Pod[], string[]]>([
    ['nothing, when it fits as it is', pod(), [makeNode('a')], [], ['a: ']],
    [
      'the most that any node has free',
      pod({ cpu: '2' }),
      [makeNode('a', { cpu: '1' }), makeNode('b', { cpu: '2' })],
      [on('x', 'b', { cpu: '500m' })],
      ['b: it requested at most 1500m of cpu (it asks for 2)'],
    ],
    [
      'two resources at once, in whole mebibytes',
      pod({ cpu: '2', memory: '2Gi' }),
      [makeNode('a', { cpu: '1', memory: '1000001Ki' })],
      [],
      ['a: it requested at most 1 of cpu (it asks for 2), and it requested at most 976Mi of memory (it asks for 2Gi)'],
    ],
    [
      'a toleration rather than two changes elsewhere',
      pod({ cpu: '2' }),
      [makeNode('a', { taints: [gpu] }), makeNode('b', { cpu: '1', taints: [gpu] })],
      [],
      ['a: it tolerated the taint gpu=yes:NoSchedule'],
    ],
    [
      'a node that is cordoned: both its sides are one thing',
      pod(),
      [makeNode('a', { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] })],
      [],
      ['a: the node were uncordoned'],
    ],
    [
      'a node that is not ready, by its state',
      pod(),
      [makeNode('a', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })],
      [],
      ['a: the node were ready (it has the taint node.kubernetes.io/not-ready:NoSchedule)'],
    ],
    [
      'a label on a node, or a demand less',
      pod({ nodeSelector: { disk: 'ssd' } }),
      [makeNode('a'), makeNode('b')],
      [],
      ['a,b: the node had the label disk=ssd', 'a,b: it did not select nodes by disk=ssd (nodeSelector)'],
    ],
    [
      'no label that says what a node is',
      pod({ nodeSelector: { [hostname]: 'c' } }),
      [makeNode('a')],
      [],
      [`a: it did not select nodes by ${hostname}=c (nodeSelector)`],
    ],
    [
      'a port',
      pod({ hostPort: 80 }),
      [makeNode('a')],
      [on('x', 'a', { hostPort: 80 })],
      ['a: it did not want port 80/TCP of the node (hostPort)'],
    ],
    [
      'a larger skew',
      pod({
        labels: { app: 'web' },
        spread: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: web }],
      }),
      [
        makeNode('a', { zone: 'z0' }),
        makeNode('b', { zone: 'z1', taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' }] }),
      ],
      [on('x', 'a', { labels: { app: 'web' } })],
      [
        'b: the node were reachable (it has the taint node.kubernetes.io/unreachable:NoSchedule)',
        `a: its maxSkew over ${zone} were 2 (it is 1)`,
      ],
    ],
    [
      'an affinity term less',
      pod({
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: web, topologyKey: zone }] },
        },
      }),
      [makeNode('a', { zone: 'z0' })],
      [],
      [`a: it did not require to be with pods app=web of the same ${zone} (podAffinity)`],
    ],
    [
      'a node affinity less, as a whole when nothing of it would be left',
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['z8', 'z9'] }] }],
            },
          },
        },
      }),
      [makeNode('a', { zone: 'z0' })],
      [],
      [`a: it did not require nodes with ${zone} in (z8, z9) (nodeAffinity)`],
    ],
  ])('%s', (_, wanted, nodes, placed, expected) => {
    expect(relax(wanted, nodes, placed)).toEqual(expected)
  })

  test('its replicas elsewhere, when each refuses the other', () => {
    const shape: PodShape = {
      labels: { app: 'web' },
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: web, topologyKey: hostname }] },
      },
    }
    expect(relax(pod(shape), [makeNode('a')], [on('x', 'a', shape)])).toEqual([
      `a: default/x, which refuses this pod (podAntiAffinity), were not on the same ${hostname}`,
    ])
  })

  test('gates come first, and what stands behind them is told too', () => {
    const gated = pod({ cpu: '2' })
    gated.spec.schedulingGates = [{ name: 'quota' }]
    expect(relax(gated, [makeNode('a', { cpu: '1' })])).toEqual([
      'a: its scheduling gate "quota" were removed, and it requested at most 1 of cpu (it asks for 2)',
    ])
  })

  test('a cluster of a thousand full nodes is answered by the node with the most room', () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => makeNode(`n${index}`, { cpu: `${100 + (index % 700)}m` }))
    const [first] = relax(pod({ cpu: '1' }), nodes)
    expect(first).toBe('n699: it requested at most 799m of cpu (it asks for 1)')
  })

  test('what is promised holds: the changed pod is scheduled', () => {
    const snapshot = createSnapshot(cache)
    snapshot.setNode(makeNode('a', { cpu: '1', taints: [gpu] }))
    const [found] = findRelaxations(createPodInfo(pod({ cpu: '4' })), snapshot, profile)
    expect(found!.changes).toHaveLength(2)
    const changed = pod({ cpu: '1', tolerations: [{ key: 'gpu', operator: 'Exists' }] })
    expect(decide(createPodInfo(changed), snapshot, profile, { startIndex: 0, random: () => 0 }).node?.name).toBe('a')
  })
})

test('a pod needs no change exactly when it can be scheduled, and asking leaves everything as it was', () => {
  fc.assert(
    fc.property(clusters, shapes, ({ nodes, pods, seed }, shape) => {
      const snapshot = createSnapshot(cache)
      for (const node of nodes) snapshot.setNode(node)
      const random = createRandom(seed)
      const decideOn = (each: Pod) => decide(createPodInfo(each), snapshot, profile, { startIndex: 0, random })
      for (const each of pods) {
        const { node } = decideOn(each)
        if (node) snapshot.place(createPodInfo(each), node.name)
      }
      const wanted = makePod('wanted', shape)
      const { node, verdicts } = decideOn(wanted)
      const [first] = findRelaxations(createPodInfo(wanted), snapshot, profile)
      expect(first?.changes.length === 0).toBe(node !== null)
      const again = decideOn(wanted)
      expect([...again.verdicts]).toEqual([...verdicts])
      expect(again.node === null).toBe(node === null)
    }),
  )
})
