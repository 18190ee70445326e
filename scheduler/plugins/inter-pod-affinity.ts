/** InterPodAffinity: brings pods together or keeps them apart, as either side asks; places are what nodes are labelled with. */
import type { Pod, PodAffinity, PodAffinityTerm, PodAntiAffinity } from '../../api/generated/types.ts'
import { selectorToString, toSelector } from '../../api/labels.ts'
import { withAffinity } from '../changes.ts'
import {
  MAX_SCORE,
  refuse,
  refuseForGood,
  type Change,
  type ClusterEvent,
  type NodeFilter,
  type SchedulerPlugin,
} from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { termMatches, type AffinityTerm } from '../pod-terms.ts'
import type { Snapshot } from '../snapshot.ts'

export interface InterPodAffinityArguments {
  /** What the required affinity of running pods adds to the score of joining them. */
  hardPodAffinityWeight: number
  ignorePreferredTermsOfExistingPods: boolean
}

export const defaultInterPodAffinityArguments: InterPodAffinityArguments = {
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
}

/** Pods that may be named as standing in the way. */
const maxSentAway = 2
const affinityRefusal = refuseForGood("node(s) didn't match pod affinity rules")
const antiAffinityRefusal = refuse("node(s) didn't match pod anti-affinity rules")
const existingRefusal = refuse("node(s) didn't satisfy existing pods anti-affinity rules")

export function createInterPodAffinity(args: InterPodAffinityArguments = defaultInterPodAffinityArguments): SchedulerPlugin {
  return {
    name: 'InterPodAffinity',
    preFilter(pod, snapshot) {
      const checks = [checkAffinity(pod, snapshot), checkAntiAffinity(pod, snapshot), checkExisting(pod, snapshot)]
      const needed = checks.filter((check) => check !== null)
      if (needed.length === 0) return null
      return {
        counted: true,
        check(node) {
          for (const check of needed) {
            const refusal = check(node)
            if (refusal) return refusal
          }
          return null
        },
      }
    },
    preScore(pod, snapshot) {
      const own = pod.preferredAffinity
      const carried = args.ignorePreferredTermsOfExistingPods && own.length === 0
      if (carried || (own.length === 0 && !snapshot.terms.hasPreferences())) return null
      const places = weighPlaces(pod, snapshot, args)
      if (places.length === 0) return null
      return { score: (node) => scoreOf(node, places), normalize: normalizeRange }
    },
    relax(pod, node, snapshot) {
      const others = sendAway(pod, node, snapshot)
      return others ? [[...dropAffinity(pod, node, snapshot), ...dropAntiAffinity(pod, node, snapshot), ...others]] : []
    },
    isHelpedBy: (pod, event) =>
      // A node that goes takes along what its pods stood for.
      event.kind === 'Node' || event.kind === 'Namespace' || (event.kind === 'Pod' && mayHelp(pod, event)),
  }
}

/**
 * A pod that was wanted came, or one that was in the way went. When the last that was wanted goes, wherever it was, a pod that
 * wants its own kind is the first again, which may go anywhere. Labels of namespaces are not at hand: any may match.
 */
function mayHelp(pod: PodInfo, { type, object, old }: ClusterEvent & { kind: 'Pod' }): boolean {
  const concerns =
    ({ metadata }: Pod) =>
    ({ pods }: AffinityTerm) =>
      (pods.namespaceSelector !== null || pods.namespaces.has(metadata.namespace ?? '')) && pods.selector.matches(metadata.labels)
  const came = type === 'delete' ? undefined : object
  const went = type === 'delete' ? object : type === 'update' ? old : undefined
  if (came && pod.requiredAffinity.some(concerns(came))) return true
  if (!went) return false
  if (pod.requiredAntiAffinity.some(concerns(went)) || !!went.spec.affinity?.podAntiAffinity) return true
  return pod.requiredAffinity.some(concerns(went)) && pod.requiredAffinity.every(concerns(pod.pod))
}

function checkAffinity(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  const terms = pod.requiredAffinity
  if (terms.length === 0) return null
  const together = terms.length === 1 ? null : countTogether(terms, snapshot)
  const places = terms.map(({ pods, topologyKey }) => ({
    topologyKey,
    counts: together?.get(topologyKey) ?? snapshot.terms.select(pods).byPlace(topologyKey),
  }))
  // The first of a group that wants to be together has nobody to join.
  const isFirst =
    places.every(({ counts }) => counts.size === 0) &&
    terms.every(({ pods }) => termMatches(pods, pod.pod, snapshot.namespaceLabels))
  return ({ labels }) => {
    let joins = true
    for (const { topologyKey, counts } of places) {
      const value = labels[topologyKey]
      if (value === undefined) return affinityRefusal
      if (!counts.has(value)) joins = false
    }
    return joins || isFirst ? null : affinityRefusal
  }
}

/** Pods that match all terms at once, by topology key and value: upstream asks for one group that all terms describe. */
function countTogether(terms: readonly AffinityTerm[], snapshot: Snapshot): Map<string, Map<string, number>> {
  const counts = new Map(terms.map(({ topologyKey }) => [topologyKey, new Map<string, number>()]))
  for (const name of snapshot.terms.select(terms[0]!.pods).byNode.keys()) {
    const node = snapshot.node(name)
    for (const { pod } of node?.pods.values() ?? []) {
      if (!terms.every(({ pods }) => termMatches(pods, pod, snapshot.namespaceLabels))) continue
      for (const [topologyKey, places] of counts) {
        const value = node!.labels[topologyKey]
        if (value !== undefined) places.set(value, (places.get(value) ?? 0) + 1)
      }
    }
  }
  return counts
}

function checkAntiAffinity(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  const places = pod.requiredAntiAffinity
    .map(({ pods, topologyKey }) => ({ topologyKey, counts: snapshot.terms.select(pods).byPlace(topologyKey) }))
    .filter(({ counts }) => counts.size > 0)
  return places.length === 0 ? null : avoid(places, antiAffinityRefusal)
}

const describeTerm = ({ labelSelector, topologyKey }: PodAffinityTerm): string =>
  `pods ${selectorToString(toSelector(labelSelector)) || 'of any kind'} of the same ${topologyKey}`

function dropAffinity(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): Change[] {
  const terms = pod.pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  if (!checkAffinity(pod, snapshot)?.(node)) return []
  const isMet = ({ pods, topologyKey }: AffinityTerm) =>
    snapshot.terms
      .select(pods)
      .byPlace(topologyKey)
      .has(node.labels[topologyKey] ?? '')
  const unmet = terms.filter((_, index) => !isMet(pod.requiredAffinity[index]!))
  return (unmet.length > 0 ? unmet : terms).map((term) => ({
    kind: `affinity ${JSON.stringify(term)}`,
    text: `it did not require to be with ${describeTerm(term)} (podAffinity)`,
    cost: 0.5,
    pod: (before: Pod) => withAffinity(before, { podAffinity: withoutTerm(before.spec.affinity?.podAffinity, term) }),
  }))
}

function dropAntiAffinity({ pod, requiredAntiAffinity }: PodInfo, node: NodeInfo, snapshot: Snapshot): Change[] {
  const terms = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const isBroken = ({ pods, topologyKey }: AffinityTerm) =>
    snapshot.terms
      .select(pods)
      .byPlace(topologyKey)
      .has(node.labels[topologyKey] ?? '')
  return terms
    .filter((_, index) => isBroken(requiredAntiAffinity[index]!))
    .map((term) => ({
      kind: `anti-affinity ${JSON.stringify(term)}`,
      text: `it did not refuse to be with ${describeTerm(term)} (podAntiAffinity)`,
      cost: 0.5,
      pod: (before: Pod) => withAffinity(before, { podAntiAffinity: withoutTerm(before.spec.affinity?.podAntiAffinity, term) }),
    }))
}

/** Pods whose own rules keep this one away are not this one's to change: they would have to be elsewhere. Null when they are many. */
function sendAway(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): Change[] | null {
  const changes = snapshot.terms.antiAffinityAgainst(pod).flatMap((term): Change[] => {
    const place = node.labels[term.topologyKey]
    const near = [...term.carriers.byNode.keys()].filter((name) => snapshot.node(name)?.labels[term.topologyKey] === place)
    if (place === undefined || near.length === 0) return []
    const carries = ({ requiredAntiAffinity }: PodInfo) =>
      requiredAntiAffinity.some(({ pods, topologyKey }) => pods.key === term.pods.key && topologyKey === term.topologyKey)
    const without = near.flatMap((name) => [...snapshot.node(name)!.pods.values()].filter(carries))
    const names = without.map(({ key }) => key).join(', ')
    const refusing = without.length > 1 ? 'which refuse' : 'which refuses'
    const text = `${names}, ${refusing} this pod (podAntiAffinity), were not on the same ${term.topologyKey}`
    return [{ kind: `away ${term.topologyKey}`, text, cost: without.length, without }]
  })
  return changes.some(({ cost }) => cost > maxSentAway) ? null : changes
}

const withoutTerm = (affinity: PodAffinity | PodAntiAffinity | undefined, term: PodAffinityTerm) => ({
  ...affinity,
  requiredDuringSchedulingIgnoredDuringExecution: (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).filter(
    (each) => each !== term,
  ),
})

function checkExisting(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  if (!snapshot.terms.hasAntiAffinity()) return null
  const places = snapshot.terms
    .antiAffinityAgainst(pod)
    .map(({ carriers, topologyKey }) => ({ topologyKey, counts: carriers.byPlace(topologyKey) }))
  return places.length === 0 ? null : avoid(places, existingRefusal)
}

const avoid =
  (
    places: readonly { topologyKey: string; counts: ReadonlyMap<string, number> }[],
    refusal: ReturnType<typeof refuse>,
  ): NodeFilter =>
  ({ labels }) => {
    for (const { topologyKey, counts } of places) {
      const value = labels[topologyKey]
      if (value !== undefined && counts.has(value)) return refusal
    }
    return null
  }

interface WeighedPlaces {
  topologyKey: string
  weight: number
  counts: ReadonlyMap<string, number>
}

/** Where there are pods that this one, or they, would like to be with or away from. */
function weighPlaces(pod: PodInfo, snapshot: Snapshot, args: InterPodAffinityArguments): WeighedPlaces[] {
  const own = pod.preferredAffinity.map(({ pods, topologyKey, weight }) => ({
    topologyKey,
    weight,
    counts: snapshot.terms.select(pods).byPlace(topologyKey),
  }))
  const carried = args.ignorePreferredTermsOfExistingPods ? [] : snapshot.terms.preferencesFor(pod, args.hardPodAffinityWeight)
  const others = carried.map(({ carriers, topologyKey, weight }) => ({
    topologyKey,
    weight,
    counts: carriers.byPlace(topologyKey),
  }))
  return [...own, ...others].filter(({ counts }) => counts.size > 0)
}

function scoreOf({ labels }: NodeInfo, places: readonly WeighedPlaces[]): number {
  let sum = 0
  for (const { topologyKey, weight, counts } of places) {
    const value = labels[topologyKey]
    if (value !== undefined) sum += weight * (counts.get(value) ?? 0)
  }
  return sum
}

function normalizeRange(scores: number[]): void {
  let least = Infinity
  let most = -Infinity
  for (const score of scores) {
    if (score < least) least = score
    if (score > most) most = score
  }
  for (let index = 0; index < scores.length; index++) {
    scores[index] = most > least ? Math.floor((MAX_SCORE * (scores[index]! - least)) / (most - least)) : 0
  }
}
