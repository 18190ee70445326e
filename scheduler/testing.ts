/** Nodes and pods with the few fields that scheduling tests and benchmarks vary. */
import type { Affinity, Node, Pod, Taint, Toleration, TopologySpreadConstraint } from '../api/generated/types.ts'

export interface NodeShape {
  cpu?: string
  memory?: string
  pods?: string
  zone?: string
  labels?: Record<string, string>
  taints?: Taint[]
  unschedulable?: boolean
}

export function makeNode(
  name: string,
  { cpu = '8', memory = '32Gi', pods = '110', zone, labels = {}, taints, unschedulable }: NodeShape = {},
): Node {
  const capacity = { cpu, memory, pods, 'ephemeral-storage': '100Gi' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `node-${name}`,
      labels: { 'kubernetes.io/hostname': name, ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}), ...labels },
    },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: { capacity, allocatable: capacity, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

export interface PodShape {
  namespace?: string
  labels?: Record<string, string>
  cpu?: string
  memory?: string
  priority?: number
  nodeName?: string
  nodeSelector?: Record<string, string>
  affinity?: Affinity
  tolerations?: Toleration[]
  spread?: TopologySpreadConstraint[]
  hostPort?: number
}

export function makePod(name: string, shape: PodShape = {}): Pod {
  const {
    namespace = 'default',
    labels = {},
    cpu,
    memory,
    priority,
    nodeName,
    nodeSelector,
    affinity,
    tolerations,
    spread,
    hostPort,
  } = shape
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, uid: `pod-${namespace}-${name}` },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [
        {
          name: 'c',
          image: 'pause',
          resources: { requests },
          ...(hostPort ? { ports: [{ containerPort: hostPort, hostPort }] } : {}),
        },
      ],
      ...(priority === undefined ? {} : { priority }),
      ...(nodeName ? { nodeName } : {}),
      ...(nodeSelector ? { nodeSelector } : {}),
      ...(affinity ? { affinity } : {}),
      ...(tolerations ? { tolerations } : {}),
      ...(spread ? { topologySpreadConstraints: spread } : {}),
    },
  }
}
