/**
 * Strategic merge patch: as a merge patch, but lists of things with a key merge item by item, and directives say the rest.
 *
 * `$patch: delete | replace` in a map or list item, `$retainKeys: […]`, `$setElementOrder/<list>: […]`,
 * `$deleteFromPrimitiveList/<list>: […]`.
 */
import { deepEqual, isJsonObject, jsonType, memberOf, type Json, type JsonObject, putMember } from '../json.ts'
import { badRequest, internalError } from '../status.ts'
import { fieldMerge, type FieldMerge } from './merge-schema.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const SET_ORDER = '$setElementOrder/'
const DELETE_FROM = '$deleteFromPrimitiveList/'

/**
 * A new document; parts that did not change are shared with the old one, which is left as it is. `model` names the schema that
 * says how lists merge. Throws an ApiError for a patch that makes no sense.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: unknown, model: string): JsonObject {
  if (!isJsonObject(patch)) throw badRequest(notAMap(patch))
  return mergeMap(document, patch, model)
}

/** Go's complaint about a patch that is no object. */
export const notAMap = (patch: unknown): string =>
  `json: cannot unmarshal ${jsonType(patch)} into Go value of type map[string]interface {}`

function mergeMap(original: JsonObject, patch: JsonObject, model: string | undefined): JsonObject {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return clean(without(patch, DIRECTIVE))
  if (directive === 'delete') return {}
  if (directive !== undefined) throw badRequest(`unknown patch type: ${goPrint(directive)} in map: ${goPrint(patch)}`)

  const result = retainKeys(original, patch)
  for (const key of fieldsOf(patch)) {
    const order = listOf(patch, SET_ORDER + key, 'setElementOrder list')
    const removed = listOf(patch, DELETE_FROM + key, 'primitive list')
    const value = memberOf(patch, key)
    const now = memberOf(result, key)
    if (value === null) delete result[key]
    else if (order || removed || Array.isArray(value)) {
      const merged = mergeListField(now, value, fieldMerge(model, key), { order, removed })
      if (merged !== undefined) putMember(result, key, merged)
    } else if (isJsonObject(value)) {
      const { model: inner, strategy } = fieldMerge(model, key)
      putMember(result, key, isJsonObject(now) && strategy !== 'replace' ? mergeMap(now, value, inner) : clean(value))
    } else if (value !== undefined) {
      putMember(result, key, value)
    }
  }
  return result
}

/** Fields that a patch speaks of, by themselves or in a parallel list. */
function fieldsOf(patch: JsonObject): Set<string> {
  const fields = new Set<string>()
  for (const key in patch) {
    if (key === RETAIN_KEYS) continue
    if (key.startsWith(SET_ORDER)) fields.add(key.slice(SET_ORDER.length))
    else if (key.startsWith(DELETE_FROM)) fields.add(key.slice(DELETE_FROM.length))
    else fields.add(key)
  }
  return fields
}

function listOf(patch: JsonObject, key: string, what: string): Json[] | undefined {
  const value = memberOf(patch, key)
  if (value !== undefined && !Array.isArray(value)) throw badRequest(`invalid patch format of ${what}`)
  return value
}

function retainKeys(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = listOf(patch, RETAIN_KEYS, 'retainKeys')
  if (!keys) return { ...original }
  const retained = new Set(keys)
  for (const key in patch) {
    if (key !== RETAIN_KEYS && !key.startsWith('$') && patch[key] !== null && !retained.has(key)) {
      throw badRequest("patch content doesn't match retainKeys list")
    }
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => retained.has(key)))
}

interface Parallel {
  order: Json[] | undefined
  removed: Json[] | undefined
}

function mergeListField(
  now: Json | undefined,
  value: Json | undefined,
  field: FieldMerge,
  { order, removed }: Parallel,
): Json | undefined {
  const current = Array.isArray(now) ? now : undefined
  if (value !== undefined && !Array.isArray(value)) throw badRequest('invalid patch format of setElementOrder list')
  if (field.strategy !== 'merge') return value ? (clean(value) as Json[]) : now
  if (!current && !value) return now
  const gone = new Set(removed)
  const kept = (current ?? []).filter((item) => !gone.has(item))
  const merged = mergeList(kept, value ?? [], field)
  return inOrder(merged, order ?? value ?? [], kept, field.mergeKey)
}

function mergeList(original: Json[], patch: Json[], { model, mergeKey }: FieldMerge): Json[] {
  const all = [...original, ...patch]
  if (all.length === 0) return []
  if (all.some(Array.isArray)) throw badRequest('lists of lists are not supported')
  if (!all.every(isJsonObject)) {
    if (all.some(isJsonObject)) throw internalError(`list element types are not identical: ${goPrint(all)}`)
    return [...new Set(all)]
  }
  if (mergeKey === '') throw internalError(`cannot merge lists without merge key for ${model ?? ''}`)
  return mergeItems(original as JsonObject[], patch as JsonObject[], model, mergeKey)
}

/** Items that the patch does not name stay where they are; new ones go to the end until `inOrder` places them. */
function mergeItems(original: JsonObject[], patch: JsonObject[], model: string | undefined, mergeKey: string): JsonObject[] {
  const plain = patch.filter((item) => !(DIRECTIVE in item))
  if (patch.some((item) => item[DIRECTIVE] === 'replace')) return plain.map(clean)
  // Where each key is: a search for each item would keep the server busy for a minute with one patch of a few megabytes.
  const places = new Map<Json, number[]>()
  const result: (JsonObject | undefined)[] = []
  const push = (key: Json, item: JsonObject) => {
    const known = places.get(key)
    if (known) known.push(result.length)
    else places.set(key, [result.length])
    result.push(item)
  }
  for (const item of original) push(item[mergeKey] ?? null, item)
  for (const item of patch) {
    const directive = item[DIRECTIVE]
    if (directive !== undefined && directive !== 'delete') {
      throw badRequest(`unknown patch type: ${goPrint(directive)} in map: ${goPrint(item)}`)
    }
    const key = item[mergeKey]
    if (key === undefined) throw internalError(`map: ${goPrint(item)} does not contain declared merge key: ${mergeKey}`)
    const [first, ...more] = places.get(key) ?? []
    if (directive === 'delete') {
      if (first !== undefined) for (const at of [first, ...more]) result[at] = undefined
      places.delete(key)
    } else if (first === undefined) push(key, clean(item))
    else result[first] = mergeMap(result[first]!, item, model)
  }
  return result.filter((item) => item !== undefined)
}

/**
 * Upstream's order: what the patch names comes in the patch's order, the rest keeps its own, and the two are interleaved by
 * where the live list had them. Items new to the list therefore come before untouched ones.
 */
function inOrder(merged: Json[], order: Json[], live: Json[], mergeKey: string): Json[] {
  const identity = (item: Json): Json => (mergeKey !== '' && isJsonObject(item) ? (item[mergeKey] ?? null) : item)
  const positions = (items: Json[]) => new Map(items.map((item, index) => [identity(item), index]))
  const wanted = positions(order)
  const lived = positions(live)
  const place = (item: Json, among: Map<Json, number>) => among.get(identity(item)) ?? -1

  const named = merged.filter((item) => wanted.has(identity(item))).sort((a, b) => place(a, wanted) - place(b, wanted))
  const others = merged.filter((item) => !wanted.has(identity(item))).sort((a, b) => place(a, lived) - place(b, lived))
  const result: Json[] = []
  let next = 0
  for (const item of named) {
    const limit = place(item, lived)
    const isBefore = (other: Json) => place(other, lived) >= 0 && place(other, lived) < limit
    while (next < others.length && isBefore(others[next]!)) result.push(others[next++]!)
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}

/** What is new takes the patch's value without its directives and nulls. */
function clean<T extends Json>(value: T): T {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isJsonObject(item) && item[DIRECTIVE] !== undefined && Object.keys(item).length === 1))
      .map(clean) as T
  }
  if (!isJsonObject(value)) return value
  const result: JsonObject = {}
  for (const [key, member] of Object.entries(value as JsonObject)) {
    if (member === null || key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(SET_ORDER) || key.startsWith(DELETE_FROM))
      continue
    putMember(result, key, clean(member))
  }
  return result as T
}

function without(value: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = value
  return rest
}

/** Go's `%v`, which upstream's messages show values by. */
export function goPrint(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(goPrint).join(' ')}]`
  if (!isJsonObject(value)) return value === null ? '<nil>' : String(value)
  const members = Object.keys(value).sort()
  return `map[${members.map((key) => `${key}:${goPrint(value[key]!)}`).join(' ')}]`
}

export const createStrategicMergePatch = (original: JsonObject, modified: JsonObject, model: string): JsonObject =>
  createThreeWayStrategicPatch(original, modified, original, model)

/**
 * What client-side apply sends: changes from `current` to `modified`, and removals of what `original` (the configuration
 * applied last) had and `modified` has not. What others added to `current` stays. `{}` when there is nothing to do.
 */
export function createThreeWayStrategicPatch(
  original: JsonObject,
  modified: JsonObject,
  current: JsonObject,
  model: string | undefined,
): JsonObject {
  const patch: JsonObject = {}
  for (const key in original) if (!Object.hasOwn(modified, key) && Object.hasOwn(current, key)) patch[key] = null
  for (const key in modified) {
    const wanted = modified[key]!
    const now = memberOf(current, key)
    const before = memberOf(original, key)
    const field = fieldMerge(model, key)
    if (isJsonObject(wanted) && isJsonObject(now) && field.strategy !== 'replace') {
      const inner = diffMap(isJsonObject(before) ? before : {}, wanted, now, field)
      if (Object.keys(inner).length > 0) patch[key] = inner
    } else if (Array.isArray(wanted) && Array.isArray(now) && field.strategy === 'merge') {
      Object.assign(patch, diffList(key, Array.isArray(before) ? before : [], wanted, now, field))
    } else if (!deepEqual(wanted, now ?? null)) {
      patch[key] = wanted
    }
  }
  return patch
}

function diffMap(original: JsonObject, modified: JsonObject, current: JsonObject, field: FieldMerge): JsonObject {
  const patch = createThreeWayStrategicPatch(original, modified, current, field.model)
  if (!field.retainKeys) return patch
  const stale = Object.keys(current).some((key) => !Object.hasOwn(modified, key))
  return Object.keys(patch).length > 0 || stale ? { ...patch, [RETAIN_KEYS]: Object.keys(modified).sort() } : patch
}

function diffList(key: string, original: Json[], modified: Json[], current: Json[], field: FieldMerge): JsonObject {
  const byKey = field.mergeKey !== '' && [...original, ...modified, ...current].every(isJsonObject)
  const identity = (item: Json): Json => (byKey ? ((item as JsonObject)[field.mergeKey] ?? null) : item)
  const live = new Map(current.map((item) => [identity(item), item]))
  const before = new Map(original.map((item) => [identity(item), item]))
  const wanted = new Set(modified.map(identity))
  const gone = original.map(identity).filter((item) => !wanted.has(item) && live.has(item))

  const changed = modified.flatMap((item): Json[] => {
    const now = live.get(identity(item))
    if (now === undefined || !byKey) return now === undefined ? [item] : []
    const inner = diffMap((before.get(identity(item)) ?? {}) as JsonObject, item as JsonObject, now as JsonObject, field)
    return Object.keys(inner).length > 0 ? [{ ...inner, [field.mergeKey]: identity(item) }] : []
  })
  const additions = byKey ? [...changed, ...gone.map((item) => ({ [DIRECTIVE]: 'delete', [field.mergeKey]: item }))] : changed
  const removals = byKey ? [] : gone
  const moved = !deepEqual(
    current.map(identity).filter((item) => wanted.has(item)),
    modified.map(identity).filter((item) => live.has(item)),
  )
  if (additions.length === 0 && removals.length === 0 && !moved) return {}
  return {
    ...(additions.length > 0 && { [key]: additions }),
    ...(removals.length > 0 && { [DELETE_FROM + key]: removals }),
    [SET_ORDER + key]: modified.map((item) => (byKey ? { [field.mergeKey]: identity(item) } : item)),
  }
}
