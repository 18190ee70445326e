/** The contract of a scheduler plugin. Extension points bear upstream's names; each is prepared once a pod, then asked a node. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'
import type { ClaimAction } from './volume-claims.ts'

/** Why a node will not do. */
export interface Refusal {
  /** Upstream's words. */
  reasons: readonly string[]
  /** Taking other pods off the node would not help: preemption leaves it alone. */
  final: boolean
}

export const refuse = (...reasons: string[]): Refusal => ({ reasons, final: false })
export const refuseForGood = (...reasons: string[]): Refusal => ({ reasons, final: true })

/** Null: the node will do. */
export type NodeFilter = (node: NodeInfo) => Refusal | null

/** What preFilter answers. Null: the plugin has nothing to say about this pod. */
export type PreparedFilter =
  | null
  | { check: NodeFilter; only?: ReadonlySet<string> }
  /** No node will do, for a reason that lies in the pod. */
  | { refusal: Refusal }

/** What preScore answers. */
export interface Scorer {
  score(node: NodeInfo): number
  /** Brings the scores of all feasible nodes to 0 … 100, in place. Without it they are already. */
  normalize?(scores: number[]): void
}

/** Something happened that may let a pod be scheduled that could not be. */
export type ClusterEvent = {
  [K in KindName]: { kind: K; type: 'add' | 'update' | 'delete'; object: Kinds[K]; old?: Kinds[K] | undefined }
}[KindName]

export interface SchedulerPlugin {
  /** Upstream's name. */
  name: string
  /** A reason keeps the pod out of the queue until it changes. */
  preEnqueue?(pod: PodInfo): string | null
  preFilter?(pod: PodInfo, snapshot: Snapshot): PreparedFilter
  preScore?(pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[]): Scorer | null
  /** Whether the event may help a pod that this plugin refused. Absent: only a change of the pod itself does. */
  isHelpedBy?(pod: PodInfo, event: ClusterEvent): boolean
  /** What must be done to volume claims, and waited for, before the pod is bound. */
  preBind?(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): ClaimAction[]
}

export interface WeightedPlugin {
  plugin: SchedulerPlugin
  /** Multiplies its scores; 0 does not score. */
  weight: number
}

export const MAX_SCORE = 100

/** Scales so that the highest becomes 100; `reverse` for counts of what is bad. */
export function normalizeToMax(scores: number[], reverse = false): void {
  let max = 0
  for (const score of scores) if (score > max) max = score
  for (let index = 0; index < scores.length; index++) {
    const scaled = max === 0 ? 0 : Math.floor((MAX_SCORE * scores[index]!) / max)
    scores[index] = reverse ? MAX_SCORE - scaled : scaled
  }
}

/** Events that change what a node offers. */
export const isNodeChange = ({ kind, type }: ClusterEvent): boolean => kind === 'Node' && type !== 'delete'

/** A pod that left its node, or shrank: room for others. */
export const freesRoom = (event: ClusterEvent): boolean =>
  event.kind === 'Pod' && event.type === 'delete' && !!event.object.spec.nodeName
