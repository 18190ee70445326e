/** When a node counts as lost, and what its status says then. Pure: times are passed in. */
import type { Lease, Node, NodeCondition } from '../../../api/generated/types.ts'
import { formatTime } from '../../../api/time.ts'
import { findCondition } from '../../conditions.ts'

/** What was last seen of a node, and when: only our own clock counts, since that of the node may be off. */
export interface Probe {
  sign: string
  at: number
}

/** Anything that only a living kubelet changes. */
const lifeSign = (node: Node, lease: Lease | undefined): string =>
  [
    lease?.spec.renewTime,
    ...(node.status?.conditions ?? []).map(({ type, lastHeartbeatTime }) => `${type}${lastHeartbeatTime}`),
  ].join()

export function nextProbe(node: Node, lease: Lease | undefined, last: Probe | undefined, now: Date): Probe {
  const sign = lifeSign(node, lease)
  return last?.sign === sign ? last : { sign, at: now.getTime() }
}

const lostConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** All that the kubelet reported is unknown now. Conditions that say so already keep their times. */
export function lostStatus(node: Node, now: Date): NodeCondition[] {
  const current = node.status?.conditions ?? []
  const time = formatTime(now)
  const lost = lostConditions.map((type): NodeCondition => {
    const old = findCondition(current, type)
    if (!old) {
      return {
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: time,
      }
    }
    if (old.status === 'Unknown') return old
    return {
      ...old,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: time,
    }
  })
  return [
    ...current.map((old) => lost.find(({ type }) => type === old.type) ?? old),
    ...lost.filter(({ type }) => !findCondition(current, type)),
  ]
}

export const readinessOf = ({ status }: Node): string => findCondition(status?.conditions, 'Ready')?.status ?? 'Unknown'

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

export const zoneOf = ({ metadata }: Node): string =>
  `${metadata.labels?.['topology.kubernetes.io/region'] ?? ''}/${metadata.labels?.['topology.kubernetes.io/zone'] ?? ''}`

export function zoneState(nodes: readonly Node[], unhealthyThreshold: number): ZoneState {
  const ready = nodes.filter((node) => readinessOf(node) === 'True').length
  const lost = nodes.length - ready
  if (ready === 0 && lost > 0) return 'FullDisruption'
  return lost > 2 && lost / nodes.length >= unhealthyThreshold ? 'PartialDisruption' : 'Normal'
}
