/** `-o json`: four spaces, members in the order of their names, as kubectl has them. */
import { isJsonObject, type Json, type JsonObject } from '../../api/json.ts'

export const printJson = (object: JsonObject): string => JSON.stringify(sortMembers(object), null, 4)

export function sortMembers(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortMembers)
  if (!isJsonObject(value)) return value
  const sorted: JsonObject = {}
  for (const key of Object.keys(value).toSorted()) sorted[key] = sortMembers(value[key]!)
  return sorted
}
