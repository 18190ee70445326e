/**
 * Counts that topology spread and inter-pod affinity live on, kept up to date pod by pod: how many pods a term selects on
 * each node, and which terms the pods of each node carry. Without them each decision would look at every pod there is.
 */
import type { PodInfo } from './pod-info.ts'
import { termMatches, type AffinityTerm, type NamespaceLabels, type PodTerm } from './pod-terms.ts'

/** Pods by node name; nodes without any are absent. */
export type NodeCounts = ReadonlyMap<string, number>

/** A term as the pods that run carry it. */
export interface CarriedTerm extends AffinityTerm {
  nodes: NodeCounts
}

export interface TermCounts {
  /** Pods that the term selects, by node. Counted once over all pods, then kept. */
  select(term: PodTerm): NodeCounts
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
}

/** Selections that are kept; the one asked for longest ago goes first. */
const maxSelections = 1000

interface Selection {
  term: PodTerm
  counts: Map<string, number>
}

type Carried = AffinityTerm & { nodes: Map<string, number> }

export function createTermCounts(allPods: () => Iterable<[PodInfo, string]>, labelsOf: NamespaceLabels): TermCounts {
  const selections = new Map<string, Selection>()
  const antiAffinity = createCarriedTerms(labelsOf)
  const required = createCarriedTerms(labelsOf)
  const preferred = createCarriedTerms(labelsOf)

  const countFor = (pod: PodInfo, node: string, change: 1 | -1) => {
    for (const { term, counts } of selections.values()) if (termMatches(term, pod.pod, labelsOf)) bump(counts, node, change)
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
      const counts = new Map<string, number>()
      for (const [pod, node] of allPods()) if (termMatches(term, pod.pod, labelsOf)) bump(counts, node, 1)
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
  }
}

function createCarriedTerms(labelsOf: NamespaceLabels) {
  const terms = new Map<string, Carried>()
  return {
    size: () => terms.size,
    count(carried: readonly AffinityTerm[], node: string, change: 1 | -1) {
      for (const { pods, topologyKey, weight } of carried) {
        const key = `${pods.key};${topologyKey};${weight}`
        let term = terms.get(key)
        if (!term) terms.set(key, (term = { pods, topologyKey, weight, nodes: new Map() }))
        bump(term.nodes, node, change)
        if (term.nodes.size === 0) terms.delete(key)
      }
    },
    selecting(pod: PodInfo): CarriedTerm[] {
      const found: CarriedTerm[] = []
      for (const term of terms.values()) if (termMatches(term.pods, pod.pod, labelsOf)) found.push(term)
      return found
    },
  }
}

function bump(counts: Map<string, number>, node: string, change: 1 | -1): void {
  const count = (counts.get(node) ?? 0) + change
  if (count === 0) counts.delete(node)
  else counts.set(node, count)
}
