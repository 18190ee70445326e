/** Pure: whether a node has the labels that a pod's nodeSelector and required node affinity ask for. */
import type { Node, NodeSelectorRequirement, Pod } from '../../api/generated/types.ts'
import { createSelector, type LabelOperator, type Labels, selectorFromSet } from '../../api/labels.ts'

const operators: Record<string, LabelOperator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
}

/** Pods of a DaemonSet name their node by field, which was settled when they were bound. */
export function asksForLabels({ spec }: Pod): boolean {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return Object.keys(spec.nodeSelector ?? {}).length > 0 || terms.some(({ matchExpressions }) => matchExpressions?.length)
}

export function matchesNode({ spec }: Pod, { metadata }: Node): boolean {
  const { name, labels } = metadata
  if (spec.nodeSelector && !selectorFromSet(spec.nodeSelector).matches(labels)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required) return true
  return required.nodeSelectorTerms.some(
    ({ matchExpressions = [], matchFields = [] }) =>
      matchExpressions.length + matchFields.length > 0 &&
      holds(matchExpressions, labels) &&
      holds(matchFields, { 'metadata.name': name }),
  )
}

const holds = (requirements: readonly NodeSelectorRequirement[], labels: Labels): boolean =>
  createSelector(
    requirements.map(({ key, operator, values = [] }) => ({ key, operator: operators[operator] ?? 'exists', values })),
  ).matches(labels)
