/** Where a pod goes, and why not elsewhere. Pure: equal snapshots, profiles and random numbers give equal decisions. */
import type { NodeFilter, PreparedFilter, Refusal, WeightedPlugin } from './framework.ts'
import { addPod, removePod, type NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

export interface Profile {
  schedulerName: string
  plugins: readonly WeightedPlugin[]
  /** 0 adapts to the size of the cluster. */
  percentageOfNodesToScore: number
  /** Upstream's bindTimeoutSeconds: how long a pod waits for its claims to be bound. */
  volumesTimeoutMs?: number | undefined
}

/** What changes from one decision to the next. */
export interface Circumstances {
  /** Where in the list of nodes to start looking: each decision goes on where the last one stopped. */
  startIndex: number
  /** 0 ≤ x < 1; breaks ties. */
  random: () => number
}

export interface Verdict extends Refusal {
  plugin: string
}

export interface Scores {
  plugin: string
  weight: number
  /** One a feasible node. */
  values: readonly number[]
}

interface Seen {
  /** Why each node that was looked at will not do. */
  verdicts: ReadonlyMap<string, Verdict>
  /** Nodes that were looked at. */
  evaluated: number
}

export type Decision =
  | (Seen & { node: NodeInfo; feasible: readonly NodeInfo[]; scores: readonly Scores[] })
  | (Seen & {
      node: null
      nodes: number
      /** Every node is refused for this: the reason lies in the pod. */
      refused?: Verdict
      /** Nodes that plugins ruled out by name, without looking at them. */
      ruledOut?: { plugins: readonly string[] }
    })

export type Failure = Decision & { node: null }

export function decide(pod: PodInfo, snapshot: Snapshot, profile: Profile, { startIndex, random }: Circumstances): Decision {
  const nodes = snapshot.nodes()
  const verdicts = new Map<string, Verdict>()
  const prepared = prepareFilters(pod, snapshot, profile)
  if ('refused' in prepared) return { node: null, nodes: nodes.length, verdicts, evaluated: 0, refused: prepared.refused }

  const { feasible, evaluated } = findFeasible(pod, snapshot, profile, prepared, verdicts, startIndex)
  if (feasible.length === 0) {
    const ruledOut = prepared.only ? { ruledOut: { plugins: prepared.only.plugins } } : {}
    return { node: null, nodes: nodes.length, verdicts, evaluated, ...ruledOut }
  }
  if (feasible.length === 1) return { node: feasible[0]!, feasible, scores: [], verdicts, evaluated }
  const scores = scoreNodes(pod, snapshot, profile, feasible)
  return { node: feasible[pickHighest(scores, feasible.length, random)]!, feasible, scores, verdicts, evaluated }
}

export interface PreparedFilters {
  checks: readonly { plugin: string; check: NodeFilter; counted?: true | undefined }[]
  only?: { names: ReadonlySet<string>; plugins: readonly string[] } | undefined
}

export function prepareFilters(pod: PodInfo, snapshot: Snapshot, { plugins }: Profile): PreparedFilters | { refused: Verdict } {
  const checks: { plugin: string; check: NodeFilter; counted?: true | undefined }[] = []
  let only: { names: ReadonlySet<string>; plugins: string[] } | undefined
  for (const { plugin } of plugins) {
    const prepared: PreparedFilter = plugin.preFilter?.(pod, snapshot) ?? null
    if (prepared === null) continue
    if ('refusal' in prepared) return { refused: { plugin: plugin.name, ...prepared.refusal } }
    checks.push({ plugin: plugin.name, check: prepared.check, counted: prepared.counted })
    if (prepared.only) {
      only = only
        ? { names: only.names.intersection(prepared.only), plugins: [...only.plugins, plugin.name] }
        : { names: prepared.only, plugins: [plugin.name] }
    }
  }
  return { checks, only }
}

function checkNode({ checks }: PreparedFilters, node: NodeInfo): Verdict | null {
  for (const { plugin, check } of checks) {
    const refusal = check(node)
    if (refusal) return { plugin, reasons: refusal.reasons, final: refusal.final }
  }
  return null
}

/** Every plugin that refuses the node, where a decision stops at the first. */
export const refusersOf = ({ checks }: PreparedFilters, node: NodeInfo): string[] =>
  checks.filter(({ check }) => check(node) !== null).map(({ plugin }) => plugin)

/** Upstream's rule: at least 100 nodes, or a share that falls from 50 % with the size of the cluster, never below 5 %. */
export function numberToFind(nodes: number, percentage: number): number {
  if (nodes < 100 || percentage >= 100) return nodes
  const share = percentage > 0 ? percentage : Math.max(5, 50 - Math.floor(nodes / 125))
  return Math.max(100, Math.floor((nodes * share) / 100))
}

function findFeasible(
  pod: PodInfo,
  snapshot: Snapshot,
  profile: Profile,
  prepared: PreparedFilters,
  verdicts: Map<string, Verdict>,
  startIndex: number,
): { feasible: NodeInfo[]; evaluated: number } {
  const judge = (node: NodeInfo): Verdict | null => checkNode(prepared, node) ?? checkWithNominated(pod, node, snapshot, profile)
  // The room that this pod made by preemption is its own, if it is still there.
  const nominated = snapshot.node(pod.pod.status?.nominatedNodeName ?? '')
  if (nominated && judge(nominated) === null) return { feasible: [nominated], evaluated: 1 }

  const all = snapshot.nodes()
  const nodes = prepared.only
    ? [...prepared.only.names].map((name) => snapshot.node(name)).filter((node) => node !== undefined)
    : all
  const wanted = numberToFind(nodes.length, profile.percentageOfNodesToScore)
  const feasible: NodeInfo[] = []
  let evaluated = 0
  for (; evaluated < nodes.length && feasible.length < wanted; evaluated++) {
    const node = nodes[(startIndex + evaluated) % nodes.length]!
    const verdict = judge(node)
    if (verdict) verdicts.set(node.name, verdict)
    else feasible.push(node)
  }
  return { feasible, evaluated }
}

/** The node must also do once the pods that wait for room on it, and go first, are there. */
function checkWithNominated(pod: PodInfo, node: NodeInfo, snapshot: Snapshot, profile: Profile): Verdict | null {
  const waiting = snapshot.nominatedOn(node.name)
  if (waiting.length === 0) return null
  const first = waiting.filter(({ uid, priority }) => uid !== pod.uid && priority >= pod.priority && !node.pods.has(uid))
  if (first.length === 0) return null
  return withPods(snapshot, node, { added: first, removed: [] }, () => checkAnew(pod, node, snapshot, profile))
}

/** As a decision judges the node: by itself, and with the pods that wait for room on it. */
export const judgeAnew = (pod: PodInfo, node: NodeInfo, snapshot: Snapshot, profile: Profile): Verdict | null =>
  checkAnew(pod, node, snapshot, profile) ?? checkWithNominated(pod, node, snapshot, profile)

/** The same for many nodes, some of whose pods are taken away meanwhile: filters are prepared once where that changes nothing. */
export function createJudge(pod: PodInfo, snapshot: Snapshot, profile: Profile): (node: NodeInfo) => Verdict | null {
  const prepared = prepareFilters(pod, snapshot, profile)
  if ('refused' in prepared || prepared.checks.some(({ counted }) => counted)) {
    return (node) => judgeAnew(pod, node, snapshot, profile)
  }
  return (node) => checkNode(prepared, node) ?? checkWithNominated(pod, node, snapshot, profile)
}

/** Prepares the filters for the snapshot as it is now, and asks this node alone. */
export function checkAnew(pod: PodInfo, node: NodeInfo, snapshot: Snapshot, profile: Profile): Verdict | null {
  const prepared = prepareFilters(pod, snapshot, profile)
  return 'refused' in prepared ? prepared.refused : checkNode(prepared, node)
}

/** What `ask` answers if these pods were on the node, and those were not. The snapshot is as before when it returns. */
export function withPods<T>(
  snapshot: Snapshot,
  node: NodeInfo,
  { added, removed }: { added: readonly PodInfo[]; removed: readonly PodInfo[] },
  ask: () => T,
): T {
  const put = (pod: PodInfo) => {
    addPod(node, pod)
    snapshot.terms.added(pod, node.name)
  }
  const take = (pod: PodInfo) => {
    removePod(node, pod)
    snapshot.terms.removed(pod, node.name)
  }
  removed.forEach(take)
  added.forEach(put)
  try {
    return ask()
  } finally {
    added.forEach(take)
    removed.forEach(put)
  }
}

function scoreNodes(pod: PodInfo, snapshot: Snapshot, { plugins }: Profile, feasible: readonly NodeInfo[]): Scores[] {
  const scores: Scores[] = []
  for (const { plugin, weight } of plugins) {
    if (weight === 0) continue
    const scorer = plugin.preScore?.(pod, snapshot, feasible)
    if (!scorer) continue
    const values = feasible.map((node) => scorer.score(node))
    scorer.normalize?.(values)
    scores.push({ plugin: plugin.name, weight, values })
  }
  return scores
}

/** One of those with the highest sum, each equally likely. */
function pickHighest(scores: readonly Scores[], count: number, random: () => number): number {
  let best = 0
  let bestSum = -Infinity
  let ties = 0
  for (let index = 0; index < count; index++) {
    let sum = 0
    for (const { weight, values } of scores) sum += weight * values[index]!
    if (sum > bestSum) {
      best = index
      bestSum = sum
      ties = 1
    } else if (sum === bestSum && random() < 1 / ++ties) best = index
  }
  return best
}

/** A small generator whose whole state is its seed (mulberry32): for reproducible choices. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
