/** The annotation in which client-side apply remembers what it applied, and which server-side apply hands over from. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts'

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

export function annotationsOf(object: JsonObject): JsonObject {
  const metadata = object['metadata']
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined
  return isJsonObject(annotations) ? annotations : {}
}

export const withAnnotations = (object: JsonObject, annotations: JsonObject): JsonObject => ({
  ...object,
  metadata: { ...(object['metadata'] as JsonObject | undefined), annotations },
})

/** What the annotation holds for a configuration: members in the order of their names, the annotation itself left out. */
export function lastAppliedText(object: JsonObject): string {
  const { [LAST_APPLIED]: _, ...annotations } = annotationsOf(object)
  return `${canonicalJson(withAnnotations(object, annotations))}\n`
}

/** Undefined when the object was never applied by a client, or the annotation is no JSON. */
export function readLastApplied(object: JsonObject): JsonObject | undefined {
  const text = annotationsOf(object)[LAST_APPLIED]
  if (typeof text !== 'string') return undefined
  try {
    const value = JSON.parse(text) as Json
    return isJsonObject(value) ? value : undefined
  } catch {
    // Someone wrote it by hand: as good as none.
    return undefined
  }
}

function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  return `{${Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`)
    .join(',')}}`
}
