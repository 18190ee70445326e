/** A node with what runs on it, added up as pods come and go. */
import type { Node, Taint, Toleration } from '../api/generated/types.ts'
import { quantityValue } from '../api/quantity.ts'
import type { HostPort, PodInfo } from './pod-info.ts'
import { toResources, type Resources } from './pod-requests.ts'

export interface NodeInfo {
  readonly name: string
  node: Node
  labels: Readonly<Record<string, string>>
  taints: readonly Taint[]
  allocatable: Resources
  allowedPods: number
  /** Image names to sizes, as the kubelet reported them. */
  images: ReadonlyMap<string, number>
  readonly pods: Map<string, PodInfo>
  readonly requested: { milliCpu: number; memory: number; ephemeralStorage: number; scalars: Map<string, number> }
  readonly nonZeroRequested: { milliCpu: number; memory: number }
  /** Pods that hold host ports: few, and looked through when another wants one. */
  readonly portHolders: Map<string, readonly HostPort[]>
}

const noLabels: Readonly<Record<string, string>> = {}

export function createNodeInfo(node: Node): NodeInfo {
  const info: NodeInfo = {
    name: node.metadata.name,
    pods: new Map(),
    requested: { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() },
    nonZeroRequested: { milliCpu: 0, memory: 0 },
    portHolders: new Map(),
    ...describe(node),
  }
  return info
}

/** The node changed: what runs on it stays. */
export const updateNode = (info: NodeInfo, node: Node): void => void Object.assign(info, describe(node))

function describe(node: Node) {
  const allocatable = node.status?.allocatable
  const images = new Map<string, number>()
  for (const { names, sizeBytes } of node.status?.images ?? []) for (const name of names ?? []) images.set(name, sizeBytes ?? 0)
  return {
    node,
    labels: node.metadata.labels ?? noLabels,
    taints: node.spec?.taints ?? [],
    allocatable: toResources(allocatable),
    allowedPods: allocatable?.['pods'] ? quantityValue(allocatable['pods']) : 0,
    images,
  }
}

export function addPod(info: NodeInfo, pod: PodInfo): void {
  info.pods.set(pod.uid, pod)
  count(info, pod, 1)
  if (pod.hostPorts.length > 0) info.portHolders.set(pod.uid, pod.hostPorts)
}

export function removePod(info: NodeInfo, pod: PodInfo): void {
  info.pods.delete(pod.uid)
  count(info, pod, -1)
  info.portHolders.delete(pod.uid)
}

function count({ requested, nonZeroRequested }: NodeInfo, { requests, nonZeroRequests }: PodInfo, sign: 1 | -1): void {
  requested.milliCpu += sign * requests.milliCpu
  requested.memory += sign * requests.memory
  requested.ephemeralStorage += sign * requests.ephemeralStorage
  nonZeroRequested.milliCpu += sign * nonZeroRequests.milliCpu
  nonZeroRequested.memory += sign * nonZeroRequests.memory
  for (const [name, amount] of requests.scalars) {
    requested.scalars.set(name, (requested.scalars.get(name) ?? 0) + sign * amount)
  }
}

export function tolerates({ key = '', operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  switch (operator) {
    case '':
    case 'Equal':
      return value === (taint.value ?? '')
    case 'Exists':
      return true
    case 'Lt':
    case 'Gt':
      return compareNumbers(operator, value, taint.value ?? '')
    default:
      return false
  }
}

/** A taint's number against the toleration's, as `Lt` and `Gt` have it: the taint's value must be less, or greater. */
function compareNumbers(operator: 'Lt' | 'Gt', bound: string, actual: string): boolean {
  const integer = /^-?\d+$/
  if (!integer.test(bound) || !integer.test(actual)) return false
  return operator === 'Lt' ? BigInt(actual) < BigInt(bound) : BigInt(actual) > BigInt(bound)
}

export const keepsAway = ({ effect }: Taint) => effect === 'NoSchedule' || effect === 'NoExecute'

/** The first taint that keeps a pod with these tolerations off the node. */
export const findUntolerated = ({ taints }: Pick<NodeInfo, 'taints'>, tolerations: readonly Toleration[]): Taint | undefined =>
  taints.length === 0
    ? undefined
    : taints.find((taint) => keepsAway(taint) && !tolerations.some((toleration) => tolerates(toleration, taint)))
