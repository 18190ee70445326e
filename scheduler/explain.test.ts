import { describe, expect, test } from 'vitest'
import type { Node, Pod } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'
import type { KindName } from '../api/kinds.ts'
import { createIndexedStore } from '../client/indexed-store.ts'
import { createCache } from '../client/shared-informers.ts'
import { decide, type Profile } from './decide.ts'
import { explainFailure } from './explain.ts'
import { createPlugins } from './plugins.ts'
import { planPreemption } from './plugins/default-preemption.ts'
import { createPodInfo } from './pod-info.ts'
import { createSnapshot } from './snapshot.ts'
import { makeNode, makePod } from './testing.ts'

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }
const random = () => 0

function explain(nodes: Node[], pods: Pod[], pod: Pod, objects: KubeObject[] = []): string {
  const stores = new Map<KindName, ReturnType<typeof createIndexedStore>>()
  const storeOf = (kind: KindName) => {
    if (!stores.has(kind)) stores.set(kind, createIndexedStore())
    return stores.get(kind)!
  }
  for (const object of objects) storeOf(object.kind as KindName).set(object)
  const snapshot = createSnapshot(createCache((kind) => ({ store: storeOf(kind) })))
  for (const node of nodes) snapshot.setNode(node)
  for (const each of pods) snapshot.place(createPodInfo(each), each.spec.nodeName!)
  const info = createPodInfo(pod)
  const decision = decide(info, snapshot, profile, { startIndex: 0, random })
  if (decision.node) return `assigned to ${decision.node.name}`
  if (decision.nodes === 0) return explainFailure(decision)
  const plan = planPreemption(info, decision, snapshot, profile, random)
  if (plan.node === null) return explainFailure(decision, plan.message)
  return `preempts ${plan.victims.map((victim) => victim.pod.metadata.name).join(', ')} on ${plan.node}`
}

const claim = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace: 'default', name, uid: name },
  spec,
  ...more,
})
const withClaim = (name: string, pod = makePod('web')): Pod => ({
  ...pod,
  spec: { ...pod.spec, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] },
})
const required = (app: string, topologyKey = 'kubernetes.io/hostname') => [
  { labelSelector: { matchLabels: { app } }, topologyKey },
]
const notHelpful = (count: number) =>
  `preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`
const noVictims = (count: number) =>
  `preemption: 0/${count} nodes are available: ${count} No preemption victims found for incoming pod.`
const running = (name: string, shape: Parameters<typeof makePod>[1] = {}) => makePod(name, { nodeName: 'n1', ...shape })

const cases: [string, string, Node[], Pod[], Pod, object[]?][] = [
  ['no nodes', 'no nodes available to schedule pods', [], [], makePod('web')],
  [
    'cordoned',
    `0/1 nodes are available: 1 node(s) were unschedulable. ${notHelpful(1)}`,
    [makeNode('n1', { unschedulable: true })],
    [],
    makePod('web'),
  ],
  [
    'node selector',
    `0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. ${notHelpful(2)}`,
    [makeNode('n1'), makeNode('n2')],
    [],
    makePod('web', { nodeSelector: { disk: 'ssd' } }),
  ],
  [
    'a node named by affinity, as daemon sets do',
    `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${notHelpful(2)}`,
    [makeNode('n1'), makeNode('n2')],
    [],
    makePod('web', {
      cpu: '100',
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
          },
        },
      },
    }),
  ],
  [
    'host port taken',
    `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`,
    [makeNode('n1')],
    [running('a', { hostPort: 80 })],
    makePod('web', { hostPort: 80 }),
  ],
  [
    'several resources at once',
    `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods. ${noVictims(1)}`,
    [makeNode('n1', { cpu: '1', memory: '1Gi', pods: '1' })],
    [running('a', { cpu: '1', memory: '1Gi' })],
    makePod('web', { cpu: '1', memory: '1Gi' }),
  ],
  [
    'anti-affinity',
    `0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. ${noVictims(1)}`,
    [makeNode('n1')],
    [running('a', { labels: { app: 'a' } })],
    makePod('web', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required('a') } } }),
  ],
  [
    "another pod's anti-affinity",
    `0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. ${noVictims(1)}`,
    [makeNode('n1')],
    [running('a', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required('web') } } })],
    makePod('web', { labels: { app: 'web' } }),
  ],
  [
    'affinity to nobody',
    `0/1 nodes are available: 1 node(s) didn't match pod affinity rules. ${notHelpful(1)}`,
    [makeNode('n1')],
    [],
    makePod('web', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required('a') } } }),
  ],
  [
    'spread over a label that one node lacks',
    "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, " +
      "1 node(s) didn't match pod topology spread constraints (missing required label). " +
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    [makeNode('n1', { zone: 'a' }), makeNode('n2')],
    [running('a', { labels: { app: 'a' } })],
    makePod('web', {
      labels: { app: 'a' },
      spread: [
        {
          maxSkew: 1,
          minDomains: 2,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'a' } },
        },
      ],
    }),
  ],
  [
    'a claim that is not there',
    `0/1 nodes are available: persistentvolumeclaim "data" not found. ${notHelpful(1)}`,
    [makeNode('n1')],
    [],
    withClaim('data'),
  ],
  [
    'a claim that nobody has bound',
    `0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. ${notHelpful(1)}`,
    [makeNode('n1')],
    [],
    withClaim('data'),
    [claim('data')],
  ],
  [
    'a volume elsewhere',
    `0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity. ${notHelpful(1)}`,
    [makeNode('n1')],
    [],
    withClaim('data'),
    [
      claim('data', { volumeName: 'pv' }, { status: { phase: 'Bound' } }),
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'pv', uid: 'pv' },
        spec: {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }] }],
            },
          },
        },
      },
    ],
  ],
  [
    'a claim for one pod alone',
    '0/1 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode. ' +
      noVictims(1),
    [makeNode('n1')],
    [withClaim('data', running('a'))],
    withClaim('data'),
    [
      claim('data', { volumeName: 'pv', accessModes: ['ReadWriteOncePod'] }, { status: { phase: 'Bound' } }),
      { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv', uid: 'pv' }, spec: {} },
    ],
  ],
  [
    'devices that nobody allocates',
    `0/1 nodes are available: 1 cannot allocate all claims. ${notHelpful(1)}`,
    [makeNode('n1')],
    [],
    { ...makePod('web'), spec: { ...makePod('web').spec, resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] } },
  ],
  [
    'no preemption wanted',
    '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    [makeNode('n1', { cpu: '1' })],
    [running('a', { cpu: '1' })],
    { ...makePod('web'), spec: { ...makePod('web', { cpu: '1', priority: 5 }).spec, preemptionPolicy: 'Never' } },
  ],
  [
    'the victim of least priority',
    'preempts low on n2',
    [makeNode('n1', { cpu: '1' }), makeNode('n2', { cpu: '1' })],
    [running('high', { cpu: '1', priority: 4 }), makePod('low', { cpu: '1', priority: 1, nodeName: 'n2' })],
    makePod('web', { cpu: '1', priority: 5 }),
  ],
  [
    'no more victims than needed',
    'preempts b on n1',
    [makeNode('n1', { cpu: '2' })],
    [running('a', { cpu: '1', priority: 1 }), running('b', { cpu: '1', priority: 0 })],
    makePod('web', { cpu: '1', priority: 5 }),
  ],
  [
    'whom no disruption budget protects',
    'preempts free on n2',
    [makeNode('n1', { cpu: '1' }), makeNode('n2', { cpu: '1' })],
    [running('kept', { cpu: '1', labels: { app: 'kept' } }), makePod('free', { cpu: '1', priority: 1, nodeName: 'n2' })],
    makePod('web', { cpu: '1', priority: 5 }),
    [
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { namespace: 'default', name: 'b', uid: 'b' },
        spec: { selector: { matchLabels: { app: 'kept' } } },
        status: { disruptionsAllowed: 0 },
      },
    ],
  ],
]

describe('the scheduler says in upstream words', () => {
  test.each(cases)('%s', (_, expected, nodes, pods, pod, objects = []) => {
    expect(explain(nodes, pods, pod, objects as KubeObject[])).toBe(expected)
  })
})
