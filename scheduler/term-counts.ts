/**
 * Counts that topology spread and inter-pod affinity live on, kept up to date pod by pod: how many pods a term selects in
 * each place, and which terms the pods of each place carry. Without them each decision would look at every pod there is.
 */
import type { PodInfo } from './pod-info.ts'
import { termMatches, type AffinityTerm, type NamespaceLabels, type PodTerm } from './pod-terms.ts'

/** How many pods, by where they are. What has none is absent. */
export interface PodCounts {
  byNode: ReadonlyMap<string, number>
  /** By the value that their nodes have for this label. Counted once, then kept; nodes without the label do not count. */
  byPlace(topologyKey: string): ReadonlyMap<string, number>
}

/** A term as the pods that run carry it. */
export interface CarriedTerm extends AffinityTerm {
  carriers: PodCounts
}

export interface TermCounts {
  /** Pods that the term selects. */
  select(term: PodTerm): PodCounts
  /** Distinct required anti-affinity terms of running pods that select this pod. */
  antiAffinityAgainst(pod: PodInfo): CarriedTerm[]
  /** Distinct preferred terms of running pods that select this pod; their required affinity with the weight asked for. */
  preferencesFor(pod: PodInfo, requiredWeight: number): CarriedTerm[]
  hasAntiAffinity(): boolean
  hasPreferences(): boolean
  added(pod: PodInfo, node: string): void
  removed(pod: PodInfo, node: string): void
  /** A namespace's labels changed: terms that select namespaces are counted anew. */
  namespaceChanged(): void
  /** Nodes or their labels changed: places are counted anew. */
  placesChanged(): void
}

export interface TermCountsOptions {
  allPods: () => Iterable<[PodInfo, string]>
  namespaceLabels: NamespaceLabels
  /** Of a node that is there. */
  nodeLabels: (node: string) => Readonly<Record<string, string>> | undefined
}

/** Selections that are kept; the one asked for longest ago goes first. */
const maxSelections = 1000

export function createTermCounts({ allPods, namespaceLabels, nodeLabels }: TermCountsOptions): TermCounts {
  const selections = new Map<string, { term: PodTerm; counts: Tally }>()
  const antiAffinity = createCarriedTerms(namespaceLabels, nodeLabels)
  const required = createCarriedTerms(namespaceLabels, nodeLabels)
  const preferred = createCarriedTerms(namespaceLabels, nodeLabels)

  const countFor = (pod: PodInfo, node: string, change: 1 | -1) => {
    for (const { term, counts } of selections.values())
      if (termMatches(term, pod.pod, namespaceLabels)) counts.change(node, change)
    antiAffinity.count(pod.requiredAntiAffinity, node, change)
    required.count(pod.requiredAffinity, node, change)
    preferred.count(pod.preferredAffinity, node, change)
  }

  return {
    select(term) {
      const known = selections.get(term.key)
      if (known) {
        selections.delete(term.key)
        selections.set(term.key, known)
        return known.counts
      }
      const counts = createTally(nodeLabels)
      for (const [pod, node] of allPods()) if (termMatches(term, pod.pod, namespaceLabels)) counts.change(node, 1)
      selections.set(term.key, { term, counts })
      if (selections.size > maxSelections) selections.delete(selections.keys().next().value!)
      return counts
    },
    antiAffinityAgainst: (pod) => antiAffinity.selecting(pod),
    preferencesFor(pod, requiredWeight) {
      const hard = requiredWeight === 0 ? [] : required.selecting(pod).map((term) => ({ ...term, weight: requiredWeight }))
      return [...preferred.selecting(pod), ...hard]
    },
    hasAntiAffinity: () => antiAffinity.size() > 0,
    hasPreferences: () => preferred.size() > 0 || required.size() > 0,
    added: (pod, node) => countFor(pod, node, 1),
    removed: (pod, node) => countFor(pod, node, -1),
    namespaceChanged() {
      for (const [key, { term }] of selections) if (term.namespaceSelector) selections.delete(key)
    },
    placesChanged() {
      for (const { counts } of selections.values()) counts.forgetPlaces()
      for (const carried of [antiAffinity, required, preferred]) carried.forgetPlaces()
    },
  }
}

interface Tally extends PodCounts {
  change(node: string, by: 1 | -1): void
  forgetPlaces(): void
}

function createTally(nodeLabels: TermCountsOptions['nodeLabels']): Tally {
  const byNode = new Map<string, number>()
  const byKey = new Map<string, Map<string, number>>()
  return {
    byNode,
    byPlace(topologyKey) {
      const known = byKey.get(topologyKey)
      if (known) return known
      const places = new Map<string, number>()
      for (const [node, count] of byNode) {
        const value = nodeLabels(node)?.[topologyKey]
        if (value !== undefined) bump(places, value, count)
      }
      byKey.set(topologyKey, places)
      return places
    },
    change(node, by) {
      bump(byNode, node, by)
      if (byKey.size === 0) return
      const labels = nodeLabels(node)
      if (!labels) return
      for (const [topologyKey, places] of byKey) {
        const value = labels[topologyKey]
        if (value !== undefined) bump(places, value, by)
      }
    },
    forgetPlaces: () => byKey.clear(),
  }
}

function createCarriedTerms(namespaceLabels: NamespaceLabels, nodeLabels: TermCountsOptions['nodeLabels']) {
  const terms = new Map<string, AffinityTerm & { carriers: Tally }>()
  return {
    size: () => terms.size,
    count(carried: readonly AffinityTerm[], node: string, change: 1 | -1) {
      for (const { pods, topologyKey, weight } of carried) {
        const key = `${pods.key};${topologyKey};${weight}`
        let term = terms.get(key)
        if (!term) terms.set(key, (term = { pods, topologyKey, weight, carriers: createTally(nodeLabels) }))
        term.carriers.change(node, change)
        if (term.carriers.byNode.size === 0) terms.delete(key)
      }
    },
    selecting(pod: PodInfo): CarriedTerm[] {
      const found: CarriedTerm[] = []
      for (const term of terms.values()) if (termMatches(term.pods, pod.pod, namespaceLabels)) found.push(term)
      return found
    },
    forgetPlaces() {
      for (const { carriers } of terms.values()) carriers.forgetPlaces()
    },
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
