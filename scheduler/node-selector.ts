/** Which nodes a NodeSelector means: terms are alternatives, the expressions of a term hold together. */
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../api/generated/types.ts'

export type NodeTest = (node: Node) => boolean

/** A selector without terms means no node at all, as upstream has it. */
export function compileNodeSelector({ nodeSelectorTerms }: NodeSelector): NodeTest {
  const terms = (nodeSelectorTerms ?? []).map(compileTerm)
  return (node) => terms.some((test) => test(node))
}

/** A term without any expression means no node. */
export function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodeTest {
  const tests = [
    ...matchExpressions.map((requirement) => compileRequirement(requirement, (node) => node.metadata.labels?.[requirement.key])),
    // metadata.name is the only field that may be named.
    ...matchFields.map((requirement) => compileRequirement(requirement, (node) => node.metadata.name)),
  ]
  return tests.length === 0 ? () => false : (node) => tests.every((test) => test(node))
}

export function compileRequirement(
  { operator, values = [] }: NodeSelectorRequirement,
  valueOf: (node: Node) => string | undefined,
): NodeTest {
  switch (operator) {
    case 'In':
      return (node) => {
        const value = valueOf(node)
        return value !== undefined && values.includes(value)
      }
    case 'NotIn':
      return (node) => {
        const value = valueOf(node)
        return value === undefined || !values.includes(value)
      }
    case 'Exists':
      return (node) => valueOf(node) !== undefined
    case 'DoesNotExist':
      return (node) => valueOf(node) === undefined
    case 'Gt':
      return compare(values[0], valueOf, (actual, bound) => actual > bound)
    case 'Lt':
      return compare(values[0], valueOf, (actual, bound) => actual < bound)
    default:
      return () => false
  }
}

function compare(
  text: string | undefined,
  valueOf: (node: Node) => string | undefined,
  holds: (actual: bigint, bound: bigint) => boolean,
): NodeTest {
  const integer = /^[-+]?\d+$/
  if (!text || !integer.test(text)) return () => false
  const bound = BigInt(text)
  return (node) => {
    const value = valueOf(node)
    return value !== undefined && integer.test(value) && holds(BigInt(value), bound)
  }
}

/** Names that every term pins by `metadata.name in (…)`, as daemon sets do: only these need to be looked at. */
export function pinnedNodeNames(selector: NodeSelector | undefined): Set<string> | undefined {
  if (!selector?.nodeSelectorTerms?.length) return undefined
  const names = new Set<string>()
  for (const { matchFields = [] } of selector.nodeSelectorTerms) {
    const pinned = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (!pinned) return undefined
    for (const name of pinned.values ?? []) names.add(name)
  }
  return names
}
