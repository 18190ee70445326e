/**
 * The pods that an affinity term or a spread constraint talks about. Terms of equal meaning are one object with one key,
 * so that the snapshot can count the pods of each once for all pods of a deployment.
 */
import type { LabelSelector, Pod, PodAffinityTerm, TopologySpreadConstraint } from '../api/generated/types.ts'
import { selectorToString, toSelector, type Selector } from '../api/labels.ts'

/** Which pods, wherever they run. */
export interface PodTerm {
  key: string
  /** Namespaces by name. */
  namespaces: ReadonlySet<string>
  /** Namespaces by label, besides; null for none. */
  namespaceSelector: Selector | null
  selector: Selector
  /** Spreading does not count pods that are on their way out. */
  skipsTerminating: boolean
}

/** An affinity term: pods, and what counts as the same place. */
export interface AffinityTerm {
  pods: PodTerm
  topologyKey: string
  weight: number
}

export interface SpreadConstraint {
  pods: PodTerm
  topologyKey: string
  maxSkew: number
  minDomains: number
  honorsAffinity: boolean
  honorsTaints: boolean
}

export type NamespaceLabels = (name: string) => Readonly<Record<string, string>> | undefined

export const termMatches = (term: PodTerm, { metadata }: Pod, labelsOf: NamespaceLabels): boolean =>
  termCoversNamespace(term, metadata.namespace ?? '', labelsOf) &&
  !(term.skipsTerminating && metadata.deletionTimestamp !== undefined) &&
  term.selector.matches(metadata.labels)

const termCoversNamespace = ({ namespaces, namespaceSelector }: PodTerm, namespace: string, labelsOf: NamespaceLabels): boolean =>
  namespaces.has(namespace) || (namespaceSelector !== null && namespaceSelector.matches(labelsOf(namespace)))

/** `matchLabelKeys` narrow to pods that have the incoming pod's values, `mismatchLabelKeys` to those that have others. */
function narrowed(
  selector: LabelSelector | undefined,
  { metadata }: Pod,
  same: readonly string[] = [],
  other: readonly string[] = [],
): LabelSelector | undefined {
  const labels = metadata.labels ?? {}
  const expressions = (keys: readonly string[], operator: string) =>
    keys
      .filter((key) => labels[key] !== undefined)
      // The API server may have merged them into the selector already.
      .filter((key) => !selector?.matchExpressions?.some((each) => each.key === key && each.operator === operator))
      .map((key) => ({ key, operator, values: [labels[key]!] }))
  const added = [...expressions(same, 'In'), ...expressions(other, 'NotIn')]
  return added.length === 0 || !selector
    ? selector
    : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] }
}

const interned = new Map<string, PodTerm>()
const maxInterned = 10_000

function intern(
  namespaces: readonly string[],
  namespaceSelector: Selector | null,
  selector: Selector,
  skipsTerminating: boolean,
): PodTerm {
  const where = `${namespaces.toSorted().join(',')};${namespaceSelector ? `[${selectorToString(namespaceSelector)}]` : ''}`
  // A selector that matches nothing prints like one that matches everything.
  const which = selector.requirements.length === 0 ? String(selector.matches({})) : selectorToString(selector)
  const key = `${where};${which};${skipsTerminating ? 'live' : 'all'}`
  const known = interned.get(key)
  if (known) return known
  if (interned.size >= maxInterned) interned.clear()
  const term: PodTerm = { key, namespaces: new Set(namespaces), namespaceSelector, selector, skipsTerminating }
  interned.set(key, term)
  return term
}

export function compileAffinityTerm(term: PodAffinityTerm, pod: Pod, weight: number): AffinityTerm {
  const { labelSelector, matchLabelKeys, mismatchLabelKeys, namespaces = [], namespaceSelector, topologyKey } = term
  // Without either, a term means the pod's own namespace.
  const named = namespaces.length === 0 && !namespaceSelector ? [pod.metadata.namespace ?? ''] : namespaces
  const selector = toSelector(narrowed(labelSelector, pod, matchLabelKeys, mismatchLabelKeys))
  return { pods: intern(named, namespaceSelector ? toSelector(namespaceSelector) : null, selector, false), topologyKey, weight }
}

export function compileSpreadConstraint(constraint: TopologySpreadConstraint, pod: Pod, selector?: Selector): SpreadConstraint {
  const matching = selector ?? toSelector(narrowed(constraint.labelSelector, pod, constraint.matchLabelKeys))
  return {
    pods: intern([pod.metadata.namespace ?? ''], null, matching, true),
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  }
}
