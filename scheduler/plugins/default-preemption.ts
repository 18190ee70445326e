/** DefaultPreemption: finds the node where making room for a pod does the least harm. Pure; the scheduler evicts. */
import type { PodDisruptionBudget } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { createJudge, withPods, type Failure, type Profile } from '../decide.ts'
import { histogram } from '../explain.ts'
import type { Preemption, Refusal, SchedulerPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Snapshot } from '../snapshot.ts'

interface Candidate {
  node: NodeInfo
  /** The most important first. */
  victims: PodInfo[]
  violations: number
}

const notHelpful = { reasons: ['Preemption is not helpful for scheduling'] }
const noVictims = { reasons: ['No preemption victims found for incoming pod'] }

/** Upstream's DefaultPreemptionArgs: how many nodes are worked out before the best of them is taken. */
export interface PreemptionArguments {
  minCandidateNodesPercentage: number
  minCandidateNodesAbsolute: number
}

export const defaultPreemptionArguments: PreemptionArguments = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 }

export const createDefaultPreemption = (args: PreemptionArguments = defaultPreemptionArguments): SchedulerPlugin => ({
  name: 'DefaultPreemption',
  postFilter(pod, failure, snapshot, profile, random) {
    if (failure.nodes === 0) return null
    return planPreemption(pod, failure, snapshot, profile, random, args)
  },
})

export function planPreemption(
  pod: PodInfo,
  failure: Failure,
  snapshot: Snapshot,
  profile: Profile,
  random: () => number,
  { minCandidateNodesPercentage, minCandidateNodesAbsolute }: PreemptionArguments = defaultPreemptionArguments,
): Preemption {
  const ineligible = whyNotEligible(pod, failure, snapshot)
  if (ineligible) return { node: null, message: `preemption: ${ineligible}` }
  const all = snapshot.nodes()
  const hopeful = all.filter(({ name }) => failure.verdicts.get(name)?.final === false)
  const reasons: { reasons: readonly string[] }[] = Array.from({ length: all.length - hopeful.length }, () => notHelpful)
  const budgets = createBudgets(snapshot)
  const judge = createJudge(pod, snapshot, profile)
  const offset = hopeful.length === 0 ? 0 : Math.floor(random() * hopeful.length)
  const candidates: Candidate[] = []
  const wanted = Math.max(minCandidateNodesAbsolute, Math.floor((all.length * minCandidateNodesPercentage) / 100))
  for (let index = 0; index < hopeful.length && candidates.length < wanted; index++) {
    const node = hopeful[(offset + index) % hopeful.length]!
    const found = selectVictims(pod, node, snapshot, judge, budgets)
    if ('victims' in found) candidates.push(found)
    else reasons.push(found)
  }
  const best = candidates.reduce<Candidate | undefined>(
    (least, each) => (least && compareHarm(least, each) <= 0 ? least : each),
    undefined,
  )
  if (best) return { node: best.node.name, victims: best.victims }
  return { node: null, message: `preemption: 0/${all.length} nodes are available: ${histogram(reasons)}.`, endsNomination: true }
}

function whyNotEligible({ pod, priority }: PodInfo, { verdicts }: Failure, snapshot: Snapshot): string | null {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = snapshot.node(pod.status?.nominatedNodeName ?? '')
  const leaving = (other: PodInfo) => snapshot.isLeaving(other) && other.priority < priority
  // The node has become one where no room would help: it may try elsewhere.
  if (nominated && verdicts.get(nominated.name)?.final) return null
  if (nominated && [...nominated.pods.values()].some(leaving))
    return 'not eligible due to a terminating pod on the nominated node.'
  return null
}

/** Without all lesser pods the pod must fit; then as many as possible are let back, the most important first. */
function selectVictims(
  pod: PodInfo,
  node: NodeInfo,
  snapshot: Snapshot,
  judge: (node: NodeInfo) => Refusal | null,
  budgets: Budgets,
): Candidate | { reasons: readonly string[] } {
  const lesser = [...node.pods.values()].filter(({ priority }) => priority < pod.priority).sort(moreImportantFirst)
  if (lesser.length === 0) return noVictims
  const refusedWithout = (removed: readonly PodInfo[]) => withPods(snapshot, node, { added: [], removed }, () => judge(node))
  const refusal = refusedWithout(lesser)
  if (refusal) return refusal

  const violating = budgets.violatedBy(lesser)
  let victims = [...lesser]
  for (const each of [...violating, ...lesser.filter((other) => !violating.has(other))]) {
    const fewer = victims.filter((victim) => victim !== each)
    if (refusedWithout(fewer) === null) victims = fewer
  }
  return { node, victims, violations: victims.filter((victim) => violating.has(victim)).length }
}

const startedAt = ({ pod }: PodInfo): string => pod.status?.startTime ?? '9999'
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const moreImportantFirst = (a: PodInfo, b: PodInfo): number => b.priority - a.priority || byText(startedAt(a), startedAt(b))

/** Upstream's order: budgets broken, the most important victim, importance in all, how many, and how long they ran. */
function compareHarm(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate) => victims[0]?.priority ?? -Infinity
  // Shifted so that many victims of negative priority still weigh more than few.
  const sum = ({ victims }: Candidate) => victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0)
  const earliest = (candidate: Candidate) =>
    candidate.victims
      .filter(({ priority }) => priority === highest(candidate))
      .map(startedAt)
      .reduce((least, each) => (each < least ? each : least), '9999')
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    byText(earliest(b), earliest(a))
  )
}

interface Budgets {
  /** Those of the pods whose going would break a budget, when they go in this order. */
  violatedBy(pods: readonly PodInfo[]): Set<PodInfo>
}

function createBudgets({ cache }: Snapshot): Budgets {
  const budgets = cache
    .of('PodDisruptionBudget')
    .list()
    .map((budget) => ({ budget, selector: toSelector(budget.spec?.selector) }))
    // An empty selector protects nothing here, as in upstream's preemption.
    .filter(({ selector }) => selector.requirements.length > 0)
  return {
    violatedBy(pods) {
      const allowed = new Map<PodDisruptionBudget, number>(
        budgets.map(({ budget }) => [budget, budget.status?.disruptionsAllowed ?? 0]),
      )
      const violating = new Set<PodInfo>()
      for (const info of pods) {
        for (const { budget, selector } of budgets) {
          if (budget.metadata.namespace !== info.namespace || !selector.matches(info.pod.metadata.labels)) continue
          // One that is being evicted already is accounted for.
          if (budget.status?.disruptedPods?.[info.pod.metadata.name] !== undefined) continue
          const left = allowed.get(budget)! - 1
          allowed.set(budget, left)
          if (left < 0) violating.add(info)
        }
      }
      return violating
    },
  }
}
