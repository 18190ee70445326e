/** InterPodAffinity: brings pods together or keeps them apart, as either side asks; places are what nodes are labelled with. */
import {
  isNodeChange,
  MAX_SCORE,
  refuse,
  refuseForGood,
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
    isHelpedBy: (pod, event) =>
      isNodeChange(event) || event.kind === 'Namespace' || (event.kind === 'Pod' && mayHelp(pod, event)),
  }
}

/** A pod that was wanted came, or one that was in the way went. Labels of namespaces are not at hand: any may match. */
function mayHelp(pod: PodInfo, { type, object }: ClusterEvent & { kind: 'Pod' }): boolean {
  const concerns = ({ pods }: AffinityTerm) =>
    (pods.namespaceSelector !== null || pods.namespaces.has(object.metadata.namespace ?? '')) &&
    pods.selector.matches(object.metadata.labels)
  if (type !== 'delete' && pod.requiredAffinity.some(concerns)) return true
  if (type === 'add') return false
  return pod.requiredAntiAffinity.some(concerns) || !!object.spec.affinity?.podAntiAffinity
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
