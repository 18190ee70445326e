/** PodTopologySpread: keeps the pods of a group level across zones, nodes, or whatever nodes are labelled with. */
import type { TopologySpreadConstraint } from '../../api/generated/types.ts'
import { withSpec } from '../changes.ts'
import { MAX_SCORE, refuse, refuseForGood, type Change, type SchedulerPlugin, type Scorer } from '../framework.ts'
import { findUntolerated, type NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { compileSpreadConstraint, termMatches, type SpreadConstraint } from '../pod-terms.ts'
import { selectOwnGroup } from '../own-group.ts'
import type { Snapshot } from '../snapshot.ts'

export interface SpreadArguments {
  defaultConstraints: readonly TopologySpreadConstraint[]
  /** Nodes without the label still take part: the constraints are nobody's explicit wish. */
  systemDefaulted: boolean
}

/** What upstream applies to pods of a service or a set that ask for nothing themselves. */
export const systemDefaultConstraints: SpreadArguments = {
  defaultConstraints: [
    { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
    { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
  ],
  systemDefaulted: true,
}

const missingLabel = refuseForGood("node(s) didn't match pod topology spread constraints (missing required label)")
const tooSkewed = refuse("node(s) didn't match pod topology spread constraints")
const hostname = 'kubernetes.io/hostname'

export function createPodTopologySpread(args: SpreadArguments = systemDefaultConstraints): SchedulerPlugin {
  return {
    name: 'PodTopologySpread',
    preFilter(pod, snapshot) {
      const constraints = constraintsOf(pod, snapshot, 'DoNotSchedule', args)
      return constraints.length === 0 ? null : { counted: true, check: createCheck(constraints, pod, snapshot) }
    },
    preScore(pod, snapshot, feasible) {
      const constraints = constraintsOf(pod, snapshot, 'ScheduleAnyway', args)
      if (constraints.length === 0) return null
      const requireAll = !args.systemDefaulted || (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0
      return createScorer(constraints, pod, snapshot, feasible, requireAll)
    },
    relax(pod, node, snapshot) {
      if (!pod.pod.spec.topologySpreadConstraints?.length) return []
      const constraints = prepareConstraints(constraintsOf(pod, snapshot, 'DoNotSchedule', args), pod, snapshot)
      return [constraints.map((each) => loosen(each, node)).filter((change) => change !== null)]
    },
    isHelpedBy(pod, event) {
      if (event.kind === 'Node') return true
      if (event.kind !== 'Pod' || event.object.metadata.namespace !== pod.namespace) return false
      const own = pod.pod.spec.topologySpreadConstraints ?? []
      // Whom the defaults count depends on the pod's services and sets.
      if (own.length === 0) return true
      // A pod of the group that went makes room in its domain; one that came may have raised the least of all domains.
      return own
        .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
        .map((each) => compileSpreadConstraint(each, pod.pod).pods.selector)
        .some((selector) => [event.object, event.old].some((each) => each && selector.matches(each.metadata.labels)))
    },
  }
}

function constraintsOf(
  { pod }: PodInfo,
  snapshot: Snapshot,
  mode: string,
  { defaultConstraints }: SpreadArguments,
): SpreadConstraint[] {
  const own = pod.spec.topologySpreadConstraints
  if (own?.length) {
    return own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === mode).map((each) => compileSpreadConstraint(each, pod))
  }
  const defaults = defaultConstraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === mode)
  const group = defaults.length > 0 ? selectOwnGroup(pod, snapshot.cache) : null
  return group ? defaults.map((each) => compileSpreadConstraint(each, pod, group)) : []
}

const hasAllLabels = ({ labels }: NodeInfo, constraints: readonly SpreadConstraint[]): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined)

const takesPart = (constraint: SpreadConstraint, node: NodeInfo, { selectsNode, tolerations }: PodInfo): boolean =>
  (!constraint.honorsAffinity || selectsNode === null || selectsNode(node.node)) &&
  (!constraint.honorsTaints || findUntolerated(node, tolerations) === undefined)

interface PreparedConstraint {
  constraint: SpreadConstraint
  domains: ReadonlyMap<string, number>
  /** Pods of the group that a domain may have before this one comes. */
  most: number
}

const prepareConstraints = (
  constraints: readonly SpreadConstraint[],
  pod: PodInfo,
  snapshot: Snapshot,
): readonly PreparedConstraint[] =>
  constraints.map((constraint) => {
    const domains = countDomains(constraint, constraints, pod, snapshot)
    const least = domains.size < constraint.minDomains ? 0 : leastOf(domains.values())
    const self = termMatches(constraint.pods, pod.pod, () => undefined) ? 1 : 0
    return { constraint, domains, most: constraint.maxSkew + least - self }
  })

/** What this constraint must put up with to let the pod onto the node; null when it does already. */
function loosen(
  { constraint: { topologyKey, maxSkew }, domains, most }: PreparedConstraint,
  { labels }: NodeInfo,
): Change | null {
  const value = labels[topologyKey]
  const change = (kind: string, text: string, cost: number, to: Partial<TopologySpreadConstraint>): Change => ({
    kind,
    text,
    cost,
    pod: (pod) =>
      withSpec(pod, {
        topologySpreadConstraints: (pod.spec.topologySpreadConstraints ?? []).map((each) =>
          each.topologyKey === topologyKey && each.whenUnsatisfiable === 'DoNotSchedule' ? { ...each, ...to } : each,
        ),
      }),
  })
  if (value === undefined) {
    const text = `it only preferred to spread over ${topologyKey} (whenUnsatisfiable: ScheduleAnyway), which the node has no label for`
    return change(`spread ${topologyKey}`, text, 0.5, { whenUnsatisfiable: 'ScheduleAnyway' })
  }
  const over = (domains.get(value) ?? 0) - most
  if (over <= 0) return null
  const text = `its maxSkew over ${topologyKey} were ${maxSkew + over} (it is ${maxSkew})`
  return change(`skew ${topologyKey}`, text, 1 - maxSkew / (maxSkew + over), { maxSkew: maxSkew + over })
}

function createCheck(constraints: readonly SpreadConstraint[], pod: PodInfo, snapshot: Snapshot) {
  const prepared = prepareConstraints(constraints, pod, snapshot)
  return (node: NodeInfo) => {
    for (const { constraint, domains, most } of prepared) {
      const value = node.labels[constraint.topologyKey]
      if (value === undefined) return missingLabel
      if ((domains.get(value) ?? 0) > most) return tooSkewed
    }
    return null
  }
}

/** Not Math.min(...): there may be more domains than a call takes arguments. */
function leastOf(counts: Iterable<number>): number {
  let least = Infinity
  for (const count of counts) if (count < least) least = count
  return least
}

/** Pods of the group in each domain that has a node which takes part. */
function countDomains(
  constraint: SpreadConstraint,
  all: readonly SpreadConstraint[],
  pod: PodInfo,
  snapshot: Snapshot,
): ReadonlyMap<string, number> {
  const { topologyKey, pods } = constraint
  const counts = snapshot.terms.select(pods)
  const domains = new Map<string, number>()
  if (allTakePart(constraint, pod) && all.every((each) => snapshot.domains(each.topologyKey).onAllNodes)) {
    const places = counts.byPlace(topologyKey)
    for (const value of snapshot.domains(topologyKey).values) domains.set(value, places.get(value) ?? 0)
    return domains
  }
  for (const node of snapshot.nodes()) {
    if (!hasAllLabels(node, all) || !takesPart(constraint, node, pod)) continue
    const value = node.labels[topologyKey]!
    domains.set(value, (domains.get(value) ?? 0) + (counts.byNode.get(node.name) ?? 0))
  }
  return domains
}

/** No node is left out, so that counts over all nodes will do. */
const allTakePart = ({ honorsAffinity, honorsTaints }: SpreadConstraint, { selectsNode }: PodInfo): boolean =>
  !honorsTaints && (!honorsAffinity || selectsNode === null)

function createScorer(
  constraints: readonly SpreadConstraint[],
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
  requireAll: boolean,
): Scorer {
  const ignored = new Set(requireAll ? feasible.filter((node) => !hasAllLabels(node, constraints)).map(({ name }) => name) : [])
  const prepared = constraints.map((constraint) => {
    const { topologyKey, pods } = constraint
    const counts = snapshot.terms.select(pods)
    if (topologyKey === hostname) {
      const countAt = (node: NodeInfo) => counts.byNode.get(node.name) ?? 0
      return { constraint, weight: Math.log(feasible.length - ignored.size + 2), countAt }
    }
    const domains = countFeasibleDomains(constraint, requireAll ? constraints : [], pod, snapshot, feasible, ignored)
    const countAt = ({ labels }: NodeInfo) => domains.get(labels[topologyKey] ?? '') ?? 0
    return { constraint, weight: Math.log(domains.size + 2), countAt }
  })
  const score = (node: NodeInfo): number => {
    if (ignored.has(node.name)) return -1
    let sum = 0
    for (const { constraint, weight, countAt } of prepared) {
      if (node.labels[constraint.topologyKey] === undefined) continue
      // maxSkew waters the difference between domains down.
      sum += countAt(node) * weight + (constraint.maxSkew - 1)
    }
    return Math.round(sum)
  }
  return { score, normalize: normalizeFewestFirst }
}

/** Only domains that a feasible node is in; their pods wherever in the domain they run. */
function countFeasibleDomains(
  constraint: SpreadConstraint,
  requiredLabels: readonly SpreadConstraint[],
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
  ignored: ReadonlySet<string>,
): Map<string, number> {
  const { topologyKey, pods } = constraint
  const counts = snapshot.terms.select(pods)
  const domains = new Map<string, number>()
  for (const { name, labels } of feasible) {
    const value = labels[topologyKey]
    if (value !== undefined && !ignored.has(name)) domains.set(value, 0)
  }
  if (allTakePart(constraint, pod) && requiredLabels.every((each) => snapshot.domains(each.topologyKey).onAllNodes)) {
    const places = counts.byPlace(topologyKey)
    for (const value of domains.keys()) domains.set(value, places.get(value) ?? 0)
    return domains
  }
  for (const node of snapshot.nodes()) {
    const value = node.labels[topologyKey]
    const sum = value === undefined ? undefined : domains.get(value)
    if (sum === undefined || !takesPart(constraint, node, pod) || !hasAllLabels(node, requiredLabels)) continue
    domains.set(value!, sum + (counts.byNode.get(node.name) ?? 0))
  }
  return domains
}

/** The emptiest domain gets the most; nodes that were ignored (-1) nothing. */
function normalizeFewestFirst(scores: number[]): void {
  const counted = scores.filter((score) => score >= 0)
  const most = counted.reduce((highest, score) => (score > highest ? score : highest), 0)
  const least = leastOf(counted)
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!
    if (score < 0) scores[index] = 0
    else scores[index] = most === 0 ? MAX_SCORE : Math.floor((MAX_SCORE * (most + least - score)) / most)
  }
}
