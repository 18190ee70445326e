/** What would make a node one that the pod selects: labels on the node, or fewer demands of the pod. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../api/generated/types.ts'
import { relabel, withAffinity, withSpec } from './changes.ts'
import type { Change } from './framework.ts'
import { compileRequirement } from './node-selector.ts'

/** Terms of an affinity that are thought about. */
const maxTerms = 3

/** Alternatives. A node that some term excludes by its name is that term's no more. */
export function relaxNodeSelection(pod: Pod, node: Node): Change[][] {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {}).filter(([key, value]) => node.metadata.labels?.[key] !== value)
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const faults = terms?.slice(0, maxTerms).map((term) => ({ term, failing: failingExpressions(term, node) }))
  const isSelected = !faults || faults.some(({ failing }) => failing?.length === 0)
  const ways = isSelected ? [undefined] : faults.filter(({ failing }) => failing !== null)

  const bySelector = wanted.map(([key, value]) => dropSelector(key, value))
  return ways.flatMap((way) => {
    const labels = way?.failing ? labelsFor(way.failing, node) : {}
    const label = labels && relabel(node, { ...labels, ...Object.fromEntries(wanted) })
    const dropped = [...bySelector, ...(way?.failing ? [dropExpressions(way.term, way.failing)] : [])]
    return label ? [[label], dropped] : [dropped]
  })
}

/** Null when the term names other nodes. */
function failingExpressions({ matchFields = [], matchExpressions = [] }: NodeSelectorTerm, node: Node) {
  if (!matchFields.every((field) => compileRequirement(field, ({ metadata }) => metadata.name)(node))) return null
  return matchExpressions.filter((each) => !compileRequirement(each, ({ metadata }) => metadata.labels?.[each.key])(node))
}

const dropSelector = (key: string, value: string): Change => ({
  kind: `nodeSelector ${key}=${value}`,
  text: `it did not select nodes by ${key}=${value} (nodeSelector)`,
  cost: 0.5,
  pod: (pod) => {
    const { [key]: _, ...nodeSelector } = pod.spec.nodeSelector ?? {}
    return withSpec(pod, { nodeSelector })
  },
})

/** A term that asks for nothing any more would select no node: the whole requirement goes then. */
function dropExpressions(term: NodeSelectorTerm, failing: readonly NodeSelectorRequirement[]): Change {
  const text = failing.map(requirementToString).join(' and ')
  const left = (term.matchExpressions ?? []).filter((each) => !failing.includes(each))
  const isEmpty = left.length === 0 && !term.matchFields?.length
  return {
    kind: `nodeAffinity ${text}`,
    text: `it did not require nodes with ${text} (nodeAffinity)`,
    cost: 0.5,
    pod(pod) {
      const { requiredDuringSchedulingIgnoredDuringExecution: _, ...preferred } = pod.spec.affinity?.nodeAffinity ?? {}
      if (isEmpty) return withAffinity(pod, { nodeAffinity: preferred })
      const nodeSelectorTerms = [{ ...term, matchExpressions: left }]
      return withAffinity(pod, {
        nodeAffinity: { ...preferred, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
      })
    },
  }
}

const requirementToString = ({ key, operator, values = [] }: NodeSelectorRequirement): string => {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(', ')})`
    case 'NotIn':
      return `${key} not in (${values.join(', ')})`
    case 'Exists':
      return `a label ${key}`
    case 'DoesNotExist':
      return `no label ${key}`
    default:
      return `${key} ${operator === 'Gt' ? '>' : '<'} ${values[0] ?? ''}`
  }
}

/** Labels with which these would hold; undefined takes one away. Null when there are none that do. */
function labelsFor(failing: readonly NodeSelectorRequirement[], node: Node): Record<string, string | undefined> | null {
  const labels: Record<string, string | undefined> = {}
  for (const { key, operator, values = [] } of failing) {
    switch (operator) {
      case 'In':
        if (values[0] === undefined) return null
        labels[key] = values[0]
        break
      case 'Exists':
        labels[key] = 'true'
        break
      case 'Gt':
        labels[key] = String(Number(values[0]) + 1)
        break
      case 'Lt':
        labels[key] = String(Number(values[0]) - 1)
        break
      default:
        labels[key] = undefined
    }
  }
  const changed = { ...node.metadata.labels, ...labels }
  const holds = ({ key, ...rest }: NodeSelectorRequirement) => compileRequirement({ key, ...rest }, () => changed[key])(node)
  return failing.every(holds) ? labels : null
}
