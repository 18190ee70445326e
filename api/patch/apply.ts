/**
 * Server-side apply: merges a configuration into the live object, and keeps track of who owns which field.
 *
 * Pure. Every write passes here: appliers through `applyPatch`, all others through `trackUpdate`.
 */
import type { ManagedFieldsEntry } from '../generated/types.ts'
import { isJsonObject, type Json, type JsonObject, putMember } from '../json.ts'
import { applyConflict } from '../status.ts'
import { formatTime } from '../time.ts'
import { compareObjects, fieldsOfConfiguration } from './compare-objects.ts'
import { difference, equalSets, intersection, isEmptySet, isMember, pathsOf, union, type FieldSet } from './field-set.ts'
import {
  isSameManager,
  printManager,
  readManagedFields,
  writeManagedFields,
  type ManagedSet,
  type Manager,
} from './managed-fields.ts'
import { annotationsOf, LAST_APPLIED, lastAppliedText, readLastApplied, withAnnotations } from './last-applied.ts'
import { itemElement, type MergeType } from './merge-type.ts'

export interface ApplyRequest {
  /** Undefined when the object does not exist: then it is created from the configuration. */
  live: JsonObject | undefined
  /** Decoded configuration. It must not carry managedFields. */
  config: JsonObject
  /** `fieldManager` of the request. */
  manager: string
  /** Take over fields that others own, instead of failing. */
  force: boolean
  type: MergeType
  now: Date
  subresource?: string
  /** Top-level members that this endpoint resets (`status` on the main one): they are never owned through it. */
  resetFields?: readonly string[]
}

/** Throws the 409 that lists every conflict. Neither object is changed; the result shares parts with both. */
export function applyPatch({
  live,
  config,
  manager,
  force,
  type,
  now,
  subresource = '',
  resetFields = [],
}: ApplyRequest): JsonObject {
  const self: Manager = { name: manager, operation: 'Apply', apiVersion: String(config['apiVersion'] ?? ''), subresource }
  const before = live ?? { apiVersion: config['apiVersion']!, kind: config['kind']! }
  const managers = readManagedFields(managedFieldsOf(before))
  const last = managers.find((other) => isSameManager(other, self))
  const others = managers.filter((other) => other !== last)
  const fields = withoutMembers(fieldsOfConfiguration(config, type), resetFields)

  const merged = mergeValues(before, config, type) as JsonObject
  const owned = others.reduce((all, other) => union(all, other.fields), fields)
  const object = last ? (prune(merged, last.fields, owned, type) as JsonObject) : merged

  const { changed, removed } = compareObjects(before, object, type)
  if (!force) refuseConflicts(others, changed, manager === KUBECTL ? handedOver(before, type) : {})
  const unchanged = isEmptySet(changed) && isEmptySet(removed) && last !== undefined && equalSets(last.fields, fields)
  const time = unchanged ? last.time : formatTime(now)
  const result = withManagedFields(object, [...release(others, changed, removed), { ...self, fields, time }])
  return manager === KUBECTL ? withCurrentAnnotation(result, config) : result
}

/** The manager under which kubectl applies: it may take over from its own client-side apply. */
const KUBECTL = 'kubectl'

/** What client-side apply set and nobody changed since: no conflict for kubectl. */
function handedOver(live: JsonObject, type: MergeType): FieldSet {
  const applied = readLastApplied(live)
  if (!applied) return {}
  const { changed, removed } = compareObjects(applied, live, type)
  return difference(difference(fieldsOfConfiguration(applied, type), changed), removed)
}

/** An object that client-side apply knows is kept up to date for it. */
function withCurrentAnnotation(object: JsonObject, config: JsonObject): JsonObject {
  const annotations = annotationsOf(object)
  if (annotations[LAST_APPLIED] === undefined) return object
  return withAnnotations(object, { ...annotations, [LAST_APPLIED]: lastAppliedText(config) })
}

const managedFieldsOf = (object: JsonObject): ManagedFieldsEntry[] | undefined =>
  (object['metadata'] as { managedFields?: ManagedFieldsEntry[] } | undefined)?.managedFields

const withManagedFields = (object: JsonObject, sets: readonly ManagedSet[]): JsonObject => ({
  ...object,
  metadata: { ...(object['metadata'] as JsonObject | undefined), managedFields: writeManagedFields(sets) as unknown as Json },
})

const withoutMembers = (set: FieldSet, names: readonly string[]): FieldSet =>
  Object.fromEntries(Object.entries(set).filter(([element]) => !names.includes(element.slice(2))))

/** What changed hands is no longer theirs, and what is gone is nobody's. */
const release = (others: readonly ManagedSet[], changed: FieldSet, removed: FieldSet): ManagedSet[] =>
  others.map((other) => ({ ...other, fields: difference(difference(other.fields, changed), removed) }))

function refuseConflicts(others: readonly ManagedSet[], changed: FieldSet, allowed: FieldSet): void {
  if (others.every(({ fields }) => isEmptySet(difference(intersection(fields, changed), allowed)))) return
  const conflicts = others
    .map((other) => ({ manager: printManager(other), paths: pathsOf(intersection(other.fields, changed)) }))
    .filter(({ paths }) => paths.length > 0)
    .sort((a, b) => (a.manager < b.manager ? -1 : 1))
  const all = conflicts.flatMap(({ manager, paths }) => paths.map((path) => ({ manager, path })))
  const causes = all.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field: path,
  }))
  const [only] = all
  const message =
    all.length === 1
      ? `Apply failed with 1 conflict: conflict with ${only!.manager}: ${only!.path}`
      : `Apply failed with ${all.length} conflicts: ${conflicts
          .flatMap(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)])
          .join('\n')}`
  throw applyConflict(message, causes)
}

/** The configuration wins wherever it speaks; everything else of the live value stays. */
function mergeValues(live: Json | undefined, config: Json, type: MergeType): Json {
  if (type.kind === 'map' && isJsonObject(config)) {
    const result: JsonObject = isJsonObject(live) ? { ...live } : {}
    for (const key in config) {
      const now = Object.hasOwn(result, key) ? result[key] : undefined
      putMember(result, key, mergeValues(now, config[key]!, type.field(key)))
    }
    return result
  }
  if ((type.kind === 'set' || type.kind === 'list-map') && Array.isArray(config)) {
    return mergeLists(Array.isArray(live) ? live : [], config, type)
  }
  return config
}

type ListType = MergeType & { kind: 'set' | 'list-map' }

/**
 * Items in both take the configuration's order; the rest stay where they are between them. An object may have come to items of one name
 * in another way: they stay, but where the configuration has one of that name, which takes the place of them all.
 */
function mergeLists(live: Json[], config: Json[], type: ListType): Json[] {
  const wanted = new Map(config.map((item) => [itemElement(item, type), item]))
  const elements = live.map((item) => itemElement(item, type))
  const current = itemsOnce(live, elements)
  const itemType: MergeType = type.kind === 'list-map' ? type.items : { kind: 'atomic' }
  const result: Json[] = []
  const shared = [...wanted.keys()].filter((element) => current.has(element)).values()
  const pending = [...wanted.keys()]
  let next = 0
  const take = (until: string | undefined) => {
    while (next < pending.length) {
      const element = pending[next]!
      if (current.has(element) && element !== until) return
      // Not taken off the front: with tens of thousands each of them would be moved for each.
      next++
      result.push(mergeValues(current.get(element), wanted.get(element)!, itemType))
      if (element === until) return
    }
  }
  const merged = new Set<string>()
  for (const [index, element] of elements.entries()) {
    if (!wanted.has(element)) result.push(live[index]!)
    else if (!merged.has(element)) take(shared.next().value)
    merged.add(element)
  }
  take(undefined)
  return result
}

/** Items of which there is one: to merge with one of several would be to choose. */
function itemsOnce(items: readonly Json[], elements: readonly string[]): Map<string, Json | undefined> {
  const byElement = new Map<string, Json | undefined>()
  for (const [index, element] of elements.entries()) byElement.set(element, byElement.has(element) ? undefined : items[index])
  return byElement
}

/** Drops what this manager applied before and applies no more, unless someone else owns it or something in it. */
function prune(value: Json, last: FieldSet, owned: FieldSet | undefined, type: MergeType): Json {
  if (type.kind === 'map' && isJsonObject(value)) {
    const result: JsonObject = {}
    for (const key in value) {
      const element = `f:${key}`
      const kept = pruneChild(value[key]!, last[element], owned?.[element], type.field(key), type.isField(key))
      if (kept !== undefined) putMember(result, key, kept)
    }
    return result
  }
  if ((type.kind === 'set' || type.kind === 'list-map') && Array.isArray(value)) {
    const itemType: MergeType = type.kind === 'list-map' ? type.items : { kind: 'atomic' }
    return value.flatMap((item) => {
      const element = itemElement(item, type)
      const kept = pruneChild(item, last[element], owned?.[element], itemType, false)
      return kept === undefined ? [] : [kept]
    })
  }
  return value
}

function pruneChild(
  value: Json,
  last: FieldSet | undefined,
  owned: FieldSet | undefined,
  type: MergeType,
  isField: boolean,
): Json | undefined {
  if (!last) return value
  // A field of a struct counts as applied when anything in it was: upstream's EnsureNamedFieldsAreMembers.
  if (!owned && (isField || isMember(last))) return undefined
  return prune(value, last, owned, type)
}

export interface UpdateRequest {
  /** Undefined on create. */
  old: JsonObject | undefined
  /** As it will be stored, but for managedFields. */
  new: JsonObject
  manager: string
  type: MergeType
  now: Date
  subresource?: string
}

/**
 * managedFields after a write that was no apply: the writer owns what it changed. Answers the old entries themselves when
 * nothing that can be owned changed.
 */
export function trackUpdate({
  old,
  new: next,
  manager,
  type,
  now,
  subresource = '',
}: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const given = managedFieldsOf(next)
  // `managedFields: [{}]` is how a client asks to start over; an empty list is one that left them out.
  const isReset = given?.length === 1 && Object.keys(given[0]!).length === 0
  const entries = isReset ? undefined : given?.length ? given : old && managedFieldsOf(old)
  const { changed, removed } = compareObjects(old ?? {}, next, type)
  if (isEmptySet(changed) && isEmptySet(removed)) return entries

  const managers = readManagedFields(entries)
  const self: Manager = { name: manager, operation: 'Update', apiVersion: String(next['apiVersion'] ?? ''), subresource }
  const last = managers.find((other) => isSameManager(other, self))
  const others = managers.filter((other) => other !== last)
  const fields = union(difference(last?.fields ?? {}, removed), changed)
  const time = last && equalSets(last.fields, fields) ? last.time : formatTime(now)
  return writeManagedFields([...release(others, changed, removed), { ...self, fields, time }])
}
