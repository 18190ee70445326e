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
import type { NodeCounts } from '../term-counts.ts'

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
      if (places.size === 0) return null
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

/** How many of the counted pods are in each place. */
function countPlaces(counts: NodeCounts, topologyKey: string, snapshot: Snapshot): Map<string, number> {
  const places = new Map<string, number>()
  for (const [name, count] of counts) {
    const value = snapshot.node(name)?.labels[topologyKey]
    if (value !== undefined) places.set(value, (places.get(value) ?? 0) + count)
  }
  return places
}

function checkAffinity(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  const terms = pod.requiredAffinity
  if (terms.length === 0) return null
  const places = terms.map(({ pods, topologyKey }) => ({
    topologyKey,
    counts: countPlaces(terms.length === 1 ? snapshot.terms.select(pods) : countAll(terms, snapshot), topologyKey, snapshot),
  }))
  // The first of a group that wants to be together has nobody to join.
  const isFirst =
    places.every(({ counts }) => counts.size === 0) &&
    terms.every(({ pods }) => termMatches(pods, pod.pod, snapshot.namespaceLabels))
  return ({ labels }) => {
    let together = true
    for (const { topologyKey, counts } of places) {
      const value = labels[topologyKey]
      if (value === undefined) return affinityRefusal
      if (!counts.has(value)) together = false
    }
    return together || isFirst ? null : affinityRefusal
  }
}

/** Pods that match all terms at once: upstream asks for one group that all terms describe. */
function countAll(terms: readonly AffinityTerm[], snapshot: Snapshot): NodeCounts {
  const [first, ...others] = terms.map(({ pods }) => pods)
  const counts = new Map<string, number>()
  for (const name of snapshot.terms.select(first!).keys()) {
    const pods = snapshot.node(name)?.pods.values() ?? []
    let count = 0
    for (const { pod } of pods) if ([first!, ...others].every((term) => termMatches(term, pod, snapshot.namespaceLabels))) count++
    if (count > 0) counts.set(name, count)
  }
  return counts
}

function checkAntiAffinity(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  const places = pod.requiredAntiAffinity
    .map(({ pods, topologyKey }) => ({ topologyKey, counts: countPlaces(snapshot.terms.select(pods), topologyKey, snapshot) }))
    .filter(({ counts }) => counts.size > 0)
  return places.length === 0 ? null : avoid(places, antiAffinityRefusal)
}

function checkExisting(pod: PodInfo, snapshot: Snapshot): NodeFilter | null {
  if (!snapshot.terms.hasAntiAffinity()) return null
  const places = snapshot.terms
    .antiAffinityAgainst(pod)
    .map(({ nodes, topologyKey }) => ({ topologyKey, counts: countPlaces(nodes, topologyKey, snapshot) }))
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

/** Topology key to value to weight. */
type Places = Map<string, Map<string, number>>

function weighPlaces(pod: PodInfo, snapshot: Snapshot, args: InterPodAffinityArguments): Places {
  const places: Places = new Map()
  const add = (counts: NodeCounts, topologyKey: string, weight: number) => {
    let values = places.get(topologyKey)
    for (const [name, count] of counts) {
      const value = snapshot.node(name)?.labels[topologyKey]
      if (value === undefined) continue
      if (!values) places.set(topologyKey, (values = new Map()))
      values.set(value, (values.get(value) ?? 0) + count * weight)
    }
  }
  for (const { pods, topologyKey, weight } of pod.preferredAffinity) add(snapshot.terms.select(pods), topologyKey, weight)
  if (!args.ignorePreferredTermsOfExistingPods) {
    for (const { nodes, topologyKey, weight } of snapshot.terms.preferencesFor(pod, args.hardPodAffinityWeight)) {
      add(nodes, topologyKey, weight)
    }
  }
  return places
}

function scoreOf({ labels }: NodeInfo, places: Places): number {
  let sum = 0
  for (const [topologyKey, values] of places) {
    const value = labels[topologyKey]
    if (value !== undefined) sum += values.get(value) ?? 0
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
