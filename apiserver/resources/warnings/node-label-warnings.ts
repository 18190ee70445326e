/** Labels of nodes that have newer names, where something selects by them: warnings in upstream's words. */
import type { NodeSelectorTerm } from '../../../api/generated/types.ts'

const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

const why = (label: string): string | undefined => (Object.hasOwn(OLD_NODE_LABELS, label) ? OLD_NODE_LABELS[label] : undefined)

/** Of a member that has the label for its value. */
export function oldLabelWarning(path: string, label: string | undefined): string[] {
  const complaint = label === undefined ? undefined : why(label)
  return complaint ? [`${path}: ${label} is ${complaint}`] : []
}

/** Of a map whose keys are labels. */
export const oldKeyWarnings = (path: string, selector: Readonly<Record<string, string>> | undefined): string[] =>
  Object.keys(selector ?? {}).flatMap((label) => {
    const complaint = why(label)
    return complaint ? [`${path}[${label}]: ${complaint}`] : []
  })

export const nodeSelectorWarnings = (path: string, terms: readonly NodeSelectorTerm[] | undefined): string[] =>
  (terms ?? []).flatMap(({ matchExpressions }, i) =>
    (matchExpressions ?? []).flatMap(({ key }, j) => oldLabelWarning(`${path}[${i}].matchExpressions[${j}].key`, key)),
  )
