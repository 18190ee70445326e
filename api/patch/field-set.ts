/**
 * Sets of field paths, in the form that managedFields stores them (FieldsV1), so that nothing is converted on the way.
 *
 * A node's children are named `f:member`, `k:{"key":"value"}` or `v:value`. A path is in the set when its node is empty or
 * has `.`; otherwise only paths below it are. The root stands for no path: an empty root is the empty set.
 */

export interface FieldSet {
  [element: string]: FieldSet
}

const SELF = '.'

const hasChildren = (node: FieldSet): boolean => {
  for (const element in node) if (element !== SELF) return true
  return false
}

export const isMember = (node: FieldSet): boolean => SELF in node || !hasChildren(node)

export function isEmptySet(root: FieldSet): boolean {
  for (const _ in root) return false
  return true
}

/** A path without any below it. Most nodes are one, so that they share it: sets are never changed, only made of others. */
export const LEAF: FieldSet = Object.freeze({})

/** `undefined` when neither the path itself nor any below it is in the set. */
function createNode(member: boolean, children: FieldSet): FieldSet | undefined {
  if (!member) return hasChildren(children) ? children : undefined
  return memberWith(children)
}

/** To be filled by who makes it, with one element at least; `isMember`: with the path itself. */
export const emptyNode = (isMember: boolean): FieldSet => (isMember ? { [SELF]: LEAF } : {})

export const memberWith = (children: FieldSet): FieldSet => (hasChildren(children) ? { [SELF]: LEAF, ...children } : LEAF)

type Combine = (a: FieldSet | undefined, b: FieldSet | undefined) => FieldSet | undefined

/** Combines the children of two nodes, element by element; `-only` sides pass through `combine` with undefined. */
function combineChildren(a: FieldSet, b: FieldSet, combine: Combine): FieldSet {
  const result: FieldSet = {}
  for (const element in a) {
    if (element === SELF) continue
    const node = combine(a[element], b[element])
    if (node) result[element] = node
  }
  for (const element in b) {
    if (element === SELF || element in a) continue
    const node = combine(undefined, b[element])
    if (node) result[element] = node
  }
  return result
}

const unionNode: Combine = (a, b) => {
  if (!a || !b) return a ?? b
  return createNode(isMember(a) || isMember(b), combineChildren(a, b, unionNode))
}

const differenceNode: Combine = (a, b) => {
  if (!a || !b) return a
  return createNode(isMember(a) && !isMember(b), combineChildren(a, b, differenceNode))
}

const intersectionNode: Combine = (a, b) => {
  if (!a || !b) return undefined
  return createNode(isMember(a) && isMember(b), combineChildren(a, b, intersectionNode))
}

export const union = (a: FieldSet, b: FieldSet): FieldSet => combineChildren(a, b, unionNode)
export const difference = (a: FieldSet, b: FieldSet): FieldSet => combineChildren(a, b, differenceNode)
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => combineChildren(a, b, intersectionNode)

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return isEmptySet(difference(a, b)) && isEmptySet(difference(b, a))
}

/** Every path in the set as upstream prints it: `.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.keys(set)
    .filter((element) => element !== SELF)
    .sort()
    .flatMap((element) => {
      const path = prefix + printElement(element)
      const node = set[element]!
      return [...(isMember(node) ? [path] : []), ...pathsOf(node, path)]
    })
}

export function printElement(element: string): string {
  const text = element.slice(2)
  if (element.startsWith('f:')) return `.${text}`
  if (element.startsWith('v:')) return `[=${text}]`
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}
