/** What lies between two versions of an object, and what one configuration speaks of, as sets of fields. */
import { deepEqual, isJsonObject, type Json, type JsonObject } from '../json.ts'
import { emptyNode, LEAF, memberWith, type FieldSet } from './field-set.ts'
import { itemElement, type MergeType } from './merge-type.ts'

export interface Comparison {
  /** Added or given another value. */
  changed: FieldSet
  removed: FieldSet
}

/**
 * Elements of members, made once for all objects: V8 looks a text that was just put together up in its table of all names before
 * it can be a key. Bounded, as members are not only those of schemas.
 */
const elements = new Map<string, string>()
const MOST_ELEMENTS = 5000

function elementOf(member: string): string {
  let element = elements.get(member)
  if (element === undefined) {
    element = `f:${member}`
    if (elements.size < MOST_ELEMENTS) elements.set(member, element)
  }
  return element
}

/** What the server itself writes: nobody owns it. */
const UNOWNED_ROOT = new Set(['apiVersion', 'kind'])
const UNOWNED_METADATA = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
])
/** Structs that upstream's objects always have, even when they are new: a writer owns what is in them, not them. */
const ALWAYS_THERE = new Set(['metadata', 'spec', 'status', 'template', 'strategy', 'updateStrategy', 'containers'])

const isUnowned = (key: string, depth: number, parent: string) =>
  (depth === 0 && UNOWNED_ROOT.has(key)) || (depth === 1 && parent === 'metadata' && UNOWNED_METADATA.has(key))

export function compareObjects(before: JsonObject, after: JsonObject, type: MergeType): Comparison {
  const result: Comparison = { changed: {}, removed: {} }
  if (type.kind === 'map') compareMaps(before, after, type, 0, '', result)
  return result
}

type MapType = MergeType & { kind: 'map' }
type ListType = MergeType & { kind: 'set' | 'list-map' }

function compareMaps(before: JsonObject, after: JsonObject, type: MapType, depth: number, name: string, into: Comparison): void {
  for (const key in after) {
    const then = Object.hasOwn(before, key) ? before[key] : undefined
    // Most of an object is the same on most writes: that is seen before anything is named.
    if (then === after[key] || isUnowned(key, depth, name) || deepEqual(then, after[key])) continue
    compareValues(then, after[key], type.field(key), depth + 1, key, elementOf(key), into)
  }
  for (const key in before) {
    if (Object.hasOwn(after, key) || isUnowned(key, depth, name)) continue
    const gone = wholeSet(before[key]!, type.field(key), depth + 1, key)
    if (gone !== NOTHING) into.removed[elementOf(key)] = gone
  }
}

function compareValues(
  before: Json | undefined,
  after: Json | undefined,
  type: MergeType,
  depth: number,
  name: string,
  element: string,
  into: Comparison,
): void {
  if (before === after || after === undefined) return
  if (before === undefined) {
    const added = wholeSet(after, type, depth, name)
    if (added !== NOTHING) into.changed[element] = added
    return
  }
  const inner: Comparison = { changed: {}, removed: {} }
  if (type.kind === 'map' && isJsonObject(before) && isJsonObject(after)) {
    compareMaps(before, after, type, depth, name, inner)
  } else if ((type.kind === 'set' || type.kind === 'list-map') && Array.isArray(before) && Array.isArray(after)) {
    compareLists(before, after, type, depth, inner)
  } else {
    if (!deepEqual(before, after)) into.changed[element] = LEAF
    return
  }
  for (const _ in inner.changed) {
    into.changed[element] = inner.changed
    break
  }
  for (const _ in inner.removed) {
    into.removed[element] = inner.removed
    break
  }
}

function compareLists(before: Json[], after: Json[], type: ListType, depth: number, into: Comparison): void {
  const old = new Map(before.map((item) => [itemElement(item, type), item]))
  const itemType: MergeType = type.kind === 'list-map' ? type.items : { kind: 'atomic' }
  for (const item of after) {
    const element = itemElement(item, type)
    compareValues(old.get(element), item, itemType, depth + 1, '', element, into)
    old.delete(element)
  }
  for (const [element, item] of old) into.removed[element] = wholeSet(item, itemType, depth + 1, '')
}

/** Stands for "nothing in here is owned": only ever compared by identity. */
const NOTHING: FieldSet = {}

/** The node of a value that is wholly new or wholly gone: everything in it, and itself. */
function wholeSet(value: Json, type: MergeType, depth: number, name: string): FieldSet {
  const isOwned = !ALWAYS_THERE.has(name)
  let node = LEAF
  if (type.kind === 'map' && isJsonObject(value)) {
    for (const key in value) {
      if (isUnowned(key, depth, name) || value[key] === undefined) continue
      const child = wholeSet(value[key]!, type.field(key), depth + 1, key)
      if (child === NOTHING) continue
      if (node === LEAF) node = emptyNode(isOwned)
      node[elementOf(key)] = child
    }
  } else if ((type.kind === 'set' || type.kind === 'list-map') && Array.isArray(value)) {
    const itemType: MergeType = type.kind === 'list-map' ? type.items : { kind: 'atomic' }
    for (const item of value) {
      if (node === LEAF) node = emptyNode(isOwned)
      node[itemElement(item, type)] = wholeSet(item, itemType, depth + 1, '')
    }
  }
  // `spec: {}`, or metadata with nothing but what the server writes.
  return node === LEAF && !isOwned && typeof value === 'object' ? NOTHING : node
}

function isEmptyObject(value: object): boolean {
  for (const _ in value) return false
  return true
}

/** The fields that a configuration names: what its applier owns. Structs are not owned, only what is in them. */
export function fieldsOfConfiguration(config: JsonObject, type: MergeType): FieldSet {
  return type.kind === 'map' ? fieldsOfMap(config, type, 0, '') : {}
}

function fieldsOfMap(value: JsonObject, type: MapType, depth: number, name: string): FieldSet {
  const set: FieldSet = {}
  for (const key in value) {
    if (isUnowned(key, depth, name) || value[key] === undefined) continue
    const node = fieldsOfValue(value[key]!, type.field(key), depth + 1, key)
    // An empty metadata after what the server owns was left out is no field.
    if (depth === 0 && key === 'metadata' && isEmptyObject(node)) continue
    set[elementOf(key)] = node
  }
  return set
}

function fieldsOfValue(value: Json, type: MergeType, depth: number, name: string): FieldSet {
  if (type.kind === 'map' && isJsonObject(value)) return fieldsOfMap(value, type, depth, name)
  if ((type.kind !== 'set' && type.kind !== 'list-map') || !Array.isArray(value)) return {}
  const set: FieldSet = {}
  for (const item of value) {
    const below = type.kind === 'list-map' ? fieldsOfValue(item, type.items, depth + 1, '') : {}
    set[itemElement(item, type)] = memberWith(below)
  }
  return set
}
