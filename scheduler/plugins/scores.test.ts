import { describe, expect, test } from 'vitest'
import type { Node, Pod } from '../../api/generated/types.ts'
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { createIndexedStore } from '../../client/indexed-store.ts'
import { createCache } from '../../client/shared-informers.ts'
import { decide, type Profile } from '../decide.ts'
import { createPodInfo } from '../pod-info.ts'
import { createPlugins } from '../plugins.ts'
import { createSnapshot } from '../snapshot.ts'
import { makeNode, makePod } from '../testing.ts'

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }

/** What one plugin says of each node, weight not applied. */
function scoresOf(
  plugin: string,
  nodes: Node[],
  pods: Pod[],
  pod: Pod,
  objects: KubeObject[] = [],
): Record<string, number> | null {
  const stores = new Map<KindName, ReturnType<typeof createIndexedStore>>()
  const storeOf = (kind: KindName) => stores.get(kind) ?? stores.set(kind, createIndexedStore()).get(kind)!
  for (const object of objects) storeOf(object.kind as KindName).set(object)
  const snapshot = createSnapshot(createCache((kind) => ({ store: storeOf(kind) })))
  for (const node of nodes) snapshot.setNode(node)
  for (const each of pods) snapshot.place(createPodInfo(each), each.spec.nodeName!)
  const decision = decide(createPodInfo(pod), snapshot, profile, { startIndex: 0, random: () => 0 })
  if (!decision.node) throw new Error('no node would do')
  const scores = decision.scores.find((each) => each.plugin === plugin)
  return scores ? Object.fromEntries(decision.feasible.map(({ name }, index) => [name, scores.values[index]!])) : null
}

const withImages = (node: Node, images: Record<string, number>): Node => ({
  ...node,
  status: { ...node.status, images: Object.entries(images).map(([name, sizeBytes]) => ({ names: [name], sizeBytes })) },
})
const withImage = (pod: Pod, image: string): Pod => ({ ...pod, spec: { ...pod.spec, containers: [{ name: 'c', image }] } })
const on = (nodeName: string, name: string, shape: Parameters<typeof makePod>[1] = {}) => makePod(name, { nodeName, ...shape })
const likes = (app: string, weight: number) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [
    { weight, podAffinityTerm: { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' } },
  ],
})
const two = [makeNode('n1', { cpu: '2', memory: '4Gi' }), makeNode('n2', { cpu: '2', memory: '4Gi' })]
const soft = { key: 'slow', effect: 'PreferNoSchedule' }
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 's', uid: 's' },
  spec: { selector: { app: 'a' } },
}

const cases: [string, string, Node[], Pod[], Pod, object[], Record<string, number> | null][] = [
  [
    'NodeResourcesFit',
    'the emptier node',
    two,
    [on('n1', 'a', { cpu: '1', memory: '2Gi' })],
    makePod('p', { cpu: '1', memory: '1Gi' }),
    [],
    { n1: 12, n2: 62 },
  ],
  [
    'NodeResourcesBalancedAllocation',
    'where cpu and memory fill alike',
    two,
    [on('n1', 'a', { cpu: '1' })],
    makePod('p', { cpu: '500m', memory: '1Gi' }),
    [],
    { n1: 75, n2: 100 },
  ],
  ['NodeResourcesBalancedAllocation', 'nothing for a pod that asks for nothing', two, [], makePod('p'), [], null],
  [
    'TaintToleration',
    'fewer taints to put up with',
    [makeNode('n1', { taints: [soft] }), makeNode('n2')],
    [],
    makePod('p'),
    [],
    { n1: 0, n2: 100 },
  ],
  ['TaintToleration', 'nothing where no node has such taints', two, [], makePod('p'), [], null],
  [
    'NodeAffinity',
    'what the pod prefers',
    [makeNode('n1', { labels: { disk: 'ssd' } }), makeNode('n2', { labels: { disk: 'ssd', fast: 'yes' } }), makeNode('n3')],
    [],
    makePod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
            { weight: 30, preference: { matchExpressions: [{ key: 'fast', operator: 'Exists' }] } },
          ],
        },
      },
    }),
    [],
    { n1: 25, n2: 100, n3: 0 },
  ],
  [
    'ImageLocality',
    'nodes that have the image',
    [withImages(makeNode('n1'), { 'web:latest': 523 * 1024 * 1024 }), makeNode('n2')],
    [],
    withImage(makePod('p'), 'web'),
    [],
    // Half of the nodes have it, so half its size counts.
    { n1: 24, n2: 0 },
  ],
  [
    'InterPodAffinity',
    'company',
    two,
    [on('n1', 'a', { labels: { app: 'a' } })],
    makePod('p', { affinity: { podAffinity: likes('a', 5) } }),
    [],
    { n1: 100, n2: 0 },
  ],
  [
    'InterPodAffinity',
    'distance',
    two,
    [on('n1', 'a', { labels: { app: 'a' } })],
    makePod('p', { affinity: { podAntiAffinity: likes('a', 5) } }),
    [],
    { n1: 0, n2: 100 },
  ],
  [
    'InterPodAffinity',
    "others' wishes",
    two,
    [on('n1', 'a', { affinity: { podAffinity: likes('b', 5) } })],
    makePod('p', { labels: { app: 'b' } }),
    [],
    { n1: 100, n2: 0 },
  ],
  ['InterPodAffinity', 'nothing when nobody has wishes', two, [on('n1', 'a')], makePod('p'), [], null],
  [
    'PodTopologySpread',
    'the emptier zone, softly',
    [makeNode('n1', { zone: 'a' }), makeNode('n2', { zone: 'b' })],
    [on('n1', 'a', { labels: { app: 'a' } }), on('n1', 'b', { labels: { app: 'a' } })],
    makePod('p', {
      labels: { app: 'a' },
      spread: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: 'a' } },
        },
      ],
    }),
    [],
    { n1: 0, n2: 100 },
  ],
  [
    'PodTopologySpread',
    'pods of a service apart by default',
    [makeNode('n1', { zone: 'a' }), makeNode('n2', { zone: 'b' })],
    [on('n1', 'a', { labels: { app: 'a' } }), on('n1', 'b', { labels: { app: 'a' } }), on('n1', 'c', { labels: { app: 'a' } })],
    makePod('p', { labels: { app: 'a' } }),
    [service],
    { n1: 42, n2: 100 },
  ],
]

describe('scores', () => {
  test.each(cases)('%s prefers %s', (plugin, _, nodes, pods, pod, objects, expected) => {
    expect(scoresOf(plugin, nodes, pods, pod, objects as KubeObject[])).toEqual(expected)
  })
})
