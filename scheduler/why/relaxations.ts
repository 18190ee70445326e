/** The counterfactual: which smallest changes of a pod, or of a node, would let it be scheduled. Pure; each is tried, not guessed. */
import { checkAnew, prepareFilters, refusersOf, withPods, type PreparedFilters, type Profile } from '../decide.ts'
import type { Change } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { createPodInfo, type PodInfo } from '../pod-info.ts'
import type { Snapshot } from '../snapshot.ts'

export interface Relaxation {
  /** All of them together; none when it fits as it is. Each completes "it would fit if …". */
  changes: readonly string[]
  /** Nodes that it would fit on then; at most ten are named. */
  nodes: readonly string[]
  nodeCount: number
}

const maxRelaxations = 8
const maxNames = 10
/** Ways that are tried for a pod, and nodes for each: an answer stays cheap in a cluster of thousands. */
const maxWays = 40
const nodesToTry = 3
/** Alternatives of one plugin for one node, and combinations of all. */
const maxCombinations = 16

interface Candidate {
  node: NodeInfo
  changes: readonly Change[]
  cost: number
}

/** The fewest changes first, then the smallest. Empty when nothing that we know to change would help. */
export function findRelaxations(pod: PodInfo, snapshot: Snapshot, profile: Profile): Relaxation[] {
  const opened = openGates(pod)
  const base = opened.length > 0 ? changePod(pod, opened) : pod
  const prepared = prepareFilters(base, snapshot, profile)
  if ('refused' in prepared) return []

  const ways = [...Map.groupBy(candidatesOf(base, snapshot, profile, prepared), wayOf).values()]
  for (const way of ways) way.sort((a, b) => a.cost - b.cost)
  ways.sort((a, b) => a[0]!.changes.length - b[0]!.changes.length || a[0]!.cost - b[0]!.cost)
  const found = new Map<string, { kinds: ReadonlySet<string>; relaxation: Relaxation }>()
  for (const way of ways.slice(0, maxWays)) {
    if (found.size >= maxRelaxations) break
    const tried = tryWay(way, base, snapshot, profile)
    if (!tried) continue
    const kinds = new Set(tried.changes.map(({ kind }) => kind))
    // Giving up more than another way asks is no smallest change.
    if ([...found.values()].some((other) => other.kinds.isSubsetOf(kinds))) continue
    const changes = [...opened, ...tried.changes].map(({ text }) => text)
    const relaxation = { changes, nodes: tried.nodes.slice(0, maxNames), nodeCount: tried.nodes.length }
    found.set([...kinds].sort().join(), { kinds, relaxation })
  }
  return Array.from(found.values(), ({ relaxation }) => relaxation)
}

const wayOf = ({ changes }: Candidate): string =>
  changes
    .map(({ kind }) => kind)
    .sort()
    .join('\n')

function candidatesOf(pod: PodInfo, snapshot: Snapshot, { plugins }: Profile, prepared: PreparedFilters): Candidate[] {
  const byName = new Map(plugins.map(({ plugin }) => [plugin.name, plugin]))
  return snapshot.nodes().flatMap((node) => {
    const alternatives = refusersOf(prepared, node).map((name) => byName.get(name)?.relax?.(pod, node, snapshot) ?? [])
    return combine(alternatives).map((changes) => ({ node, changes, cost: changes.reduce((sum, { cost }) => sum + cost, 0) }))
  })
}

/** One alternative of each plugin. None at all when a plugin knows of nothing that would help. */
function combine(alternatives: readonly (readonly (readonly Change[])[])[]): Change[][] {
  let combined: Change[][] = [[]]
  for (const choices of alternatives) {
    combined = combined.flatMap((before) => choices.map((more) => unite(before, more))).slice(0, maxCombinations)
  }
  return combined
}

const unite = (before: readonly Change[], more: readonly Change[]): Change[] => [
  ...before,
  ...more.filter(({ kind }) => !before.some((change) => change.kind === kind)),
]

/** Runs the filters on what would be; what turns out not to be needed is left out again. */
function tryWay(
  way: readonly Candidate[],
  pod: PodInfo,
  snapshot: Snapshot,
  profile: Profile,
): { changes: readonly Change[]; nodes: string[] } | undefined {
  const fits = (changes: readonly Change[], node: NodeInfo) => wouldFit(changes, pod, node, snapshot, profile)
  const first = way.slice(0, nodesToTry).find(({ changes, node }) => fits(changes, node))
  if (!first) return undefined
  let { changes } = first
  for (const each of changes) {
    const fewer = changes.filter((other) => other !== each)
    if (changes.length > 1 && fits(fewer, first.node)) changes = fewer
  }
  const alike = way.filter(({ cost }) => cost <= first.cost).slice(0, 5 * maxNames)
  const others = alike.filter(({ node }) => node !== first.node && fits(changes, node)).map(({ node }) => node.name)
  return { changes, nodes: [first.node.name, ...others] }
}

function wouldFit(changes: readonly Change[], pod: PodInfo, info: NodeInfo, snapshot: Snapshot, profile: Profile): boolean {
  const changed = changePod(pod, changes)
  const gone = changes.flatMap(({ without = [] }) => without)
  const { node } = info
  const other = changes.reduce((before, change) => change.node?.(before) ?? before, node)
  const ask = () => withoutPods(gone, snapshot, () => checkAnew(changed, info, snapshot, profile) === null)
  if (other === node) return ask()
  snapshot.setNode(other)
  try {
    return ask()
  } finally {
    snapshot.setNode(node)
  }
}

function withoutPods<T>([first, ...others]: readonly PodInfo[], snapshot: Snapshot, ask: () => T): T {
  const node = first && snapshot.node(snapshot.placeOf(first.uid)?.node ?? '')
  if (!node) return ask()
  return withPods(snapshot, node, { added: [], removed: [first] }, () => withoutPods(others, snapshot, ask))
}

const changePod = (info: PodInfo, changes: readonly Change[]): PodInfo =>
  createPodInfo(changes.reduce((before, change) => change.pod?.(before) ?? before, info.pod))

function openGates({ pod }: PodInfo): Change[] {
  return (pod.spec.schedulingGates ?? []).map(({ name }) => ({
    kind: `gate ${name}`,
    text: `its scheduling gate "${name}" were removed`,
    cost: 0,
    pod: (before) => ({
      ...before,
      spec: { ...before.spec, schedulingGates: before.spec.schedulingGates?.filter((gate) => gate.name !== name) ?? [] },
    }),
  }))
}
