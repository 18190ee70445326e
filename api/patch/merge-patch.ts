/** RFC 7386: members are merged, null removes, everything else replaces. */
import { deepEqual, isJsonObject, memberOf, putMember, type Json, type JsonObject } from '../json.ts'

/** A new document; parts that did not change are shared with the old one, which is left as it is. */
export function applyMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  const result: JsonObject = isJsonObject(document) ? { ...document } : {}
  for (const key in patch) {
    const value = patch[key]!
    if (value === null) delete result[key]
    else putMember(result, key, applyMergePatch(memberOf(result, key), value))
  }
  return result
}

/** The patch that turns `original` into `modified`; `{}` when there is nothing to do. */
export const createMergePatch = (original: JsonObject, modified: JsonObject): JsonObject =>
  createThreeWayMergePatch(original, modified, original)

/**
 * What client-side apply sends for kinds without a known schema: changes from `current` to `modified`, and removals of what
 * `original` (the configuration applied last) had and `modified` has not. What others added to `current` stays.
 */
export function createThreeWayMergePatch(original: JsonObject, modified: JsonObject, current: JsonObject): JsonObject {
  const patch: JsonObject = {}
  for (const key in original) if (!Object.hasOwn(modified, key) && Object.hasOwn(current, key)) patch[key] = null
  for (const key in modified) {
    const wanted = modified[key]!
    const now = memberOf(current, key)
    if (isJsonObject(wanted) && isJsonObject(now)) {
      const before = memberOf(original, key)
      const inner = createThreeWayMergePatch(isJsonObject(before) ? before : {}, wanted, now)
      if (Object.keys(inner).length > 0) patch[key] = inner
    } else if (!deepEqual(wanted, now ?? null)) {
      patch[key] = wanted
    }
  }
  return patch
}
