/** The contract of a scheduler plugin. Extension points bear upstream's names; filter and score are prepared once a pod. */
import type { Node, Pod } from '../api/generated/types.ts'
import type { KindName, Kinds } from '../api/kinds.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { Failure, Profile } from './decide.ts'
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
  /** `counted`: the check knows pods of other nodes from when it was prepared; where some are not, it must be prepared anew. */
  | { check: NodeFilter; only?: ReadonlySet<string>; counted?: true }
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

/** What could be different, so that a refusal falls away: of the pod, or of the node. */
export interface Change {
  /** Completes "it would fit if …". */
  text: string
  /** Changes that only differ in how much of the same is asked have the same one. */
  kind: string
  /** 0 … 1: how much of what was asked for must be given up. */
  cost: number
  pod?(pod: Pod): Pod
  node?(node: Node): Node
  /** Pods that would not be where they are. */
  without?: readonly PodInfo[]
}

export interface SchedulerPlugin {
  /** Upstream's name. */
  name: string
  /** A reason keeps the pod out of the queue until it changes. */
  preEnqueue?(pod: PodInfo): string | null
  preFilter?(pod: PodInfo, snapshot: Snapshot): PreparedFilter
  preScore?(pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[]): Scorer | null
  /** Whether the event may help a pod that this plugin refused. Absent: only a change of the pod itself does. */
  isHelpedBy?(pod: PodInfo, event: ClusterEvent): boolean
  /** The smallest changes after which it would not refuse this node: alternatives, of each all that must change together. */
  relax?(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): readonly (readonly Change[])[]
  /** After preFilter and filter found no node: makes room, or says why it cannot. Null: it does not concern it. */
  postFilter?(pod: PodInfo, failure: Failure, snapshot: Snapshot, profile: Profile, random: () => number): Preemption | null
  /** The pod is about to be bound: takes what it needs of the plugin's own. A refusal sends it back to wait. */
  reserve?(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): Refusal | null
  /** Gives back what reserve took; also called where reserve has not been, so that it must bear that. */
  unreserve?(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): void
  /** The last word: lets the pod go, refuses it, or lets it wait for `waiting.allow` (for others of its kind, say). */
  permit?(pod: PodInfo, node: NodeInfo, waiting: WaitingPods): Permission
  /** What must be done to volume claims, and waited for, before the pod is bound. */
  preBind?(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): ClaimAction[]
  /** Tells the API server. The first plugin that does not answer null has done it. */
  bind?(pod: PodInfo, node: string, client: ApiClient, cause: string | undefined): Promise<void> | null
  postBind?(pod: PodInfo, node: string): void
}

export type Permission = 'allow' | { refusal: Refusal } | { waitMs: number }

/** A node, and the pods that must leave it; or why there is none, and whether a node that it waits for is no longer its. */
export type Preemption = { node: string; victims: readonly PodInfo[] } | { node: null; message: string; endsNomination?: boolean }

/** Pods that a permit plugin keeps waiting: they have their node, and nobody has been told. */
export interface WaitingPods {
  has(uid: string): boolean
  list(): readonly PodInfo[]
  pluginsOf(uid: string): readonly string[]
  /** This plugin has nothing against it any more. */
  allow(uid: string, plugin: string): void
  reject(uid: string, plugin: string, reason: string): void
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
