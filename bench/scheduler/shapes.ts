/** What pods ask for, shape by shape: each makes other plugins work. */
import type { Node, Pod } from '../../api/generated/types.ts'
import { makeNode, makePod, type PodShape } from '../../scheduler/testing.ts'

export interface Sizes {
  nodes: number
  pods: number
}

export interface Shape {
  name: string
  /** The pods that are timed. */
  pod(index: number, sizes: Sizes): PodShape
  /** Pods that are there before: they run on a node, or nothing will ever fit them. */
  before?(sizes: Sizes): { count: number; pod(index: number): PodShape & { graceless?: boolean } }
}

const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'
const zones = 5
const app = { labels: { app: 'bench' } }
const labelSelector = { matchLabels: { app: 'bench' } }
const small = { cpu: '100m', memory: '128Mi' }

const basic = (): PodShape => ({ ...small, ...app })
const zoneSpread = (): PodShape => ({
  ...basic(),
  spread: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector }],
})
const softAntiAffinity = (): PodShape => ({
  ...basic(),
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { labelSelector, topologyKey: hostname } },
      ],
    },
  },
})
/** Groups of at most half as many pods as there are nodes. */
function hardAntiAffinity(index: number, { nodes, pods }: Sizes): PodShape {
  const groups = Math.ceil(pods / Math.max(1, Math.floor(nodes / 2)))
  const group = `group-${index % groups}`
  const term = { labelSelector: { matchLabels: { group } }, topologyKey: hostname }
  return {
    ...small,
    labels: { app: 'bench', group },
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
  }
}
const nodeAffinity = (): PodShape => ({
  ...basic(),
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone-0', 'zone-1', 'zone-2'] }] }],
      },
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 10, preference: { matchExpressions: [{ key: zone, operator: 'In', values: ['zone-1'] }] } },
      ],
    },
  },
})

export const SHAPES: readonly Shape[] = [
  { name: 'basic', pod: basic },
  { name: 'zone-spread', pod: zoneSpread },
  { name: 'soft-anti-affinity', pod: softAntiAffinity },
  { name: 'hard-anti-affinity', pod: hardAntiAffinity },
  { name: 'node-affinity', pod: nodeAffinity },
  {
    name: 'preemption',
    // Every node is full of lesser pods: two of them must go for each that comes.
    pod: () => ({ ...app, cpu: '2', priority: 1000 }),
    before: ({ nodes }) => ({
      count: 8 * nodes,
      pod: (index) => ({ labels: { app: 'filler' }, cpu: '1', nodeName: `hollow-${index % nodes}`, graceless: true }),
    }),
  },
  {
    name: 'unschedulable-churn',
    pod: basic,
    // They wait, and each pod that is bound is an event that might concern them.
    before: ({ pods }) => ({ count: Math.ceil(pods / 10), pod: () => ({ labels: { app: 'hopeless' }, cpu: '1000' }) }),
  },
  {
    name: 'mixed',
    pod: (index, sizes) => [basic, zoneSpread, softAntiAffinity, hardAntiAffinity, nodeAffinity][index % 5]!(index, sizes),
  },
]

/** Eight cores, and a zone of five. */
export const makeHollowNode = (index: number): Node => makeNode(`hollow-${index}`, { zone: `zone-${index % zones}` })

export function makeShapedPod(name: string, { graceless, ...shape }: PodShape & { graceless?: boolean }): Pod {
  const pod = makePod(name, { namespace: 'bench', ...shape })
  return graceless ? { ...pod, spec: { ...pod.spec, terminationGracePeriodSeconds: 0 } } : pod
}
