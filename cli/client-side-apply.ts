/** Client-side apply as kubectl does it: three-way patches from what was applied last, what is wanted now, and what is there. */
import { isJsonObject, type Json, type JsonObject } from '../api/json.ts'
import { createThreeWayMergePatch } from '../api/patch/merge-patch.ts'
import { createThreeWayStrategicPatch } from '../api/patch/strategic-merge.ts'
import { KINDS } from '../api/kinds.ts'
import { hasModel, modelNameOf } from '../api/schema/models.ts'
import type { KubeJson } from './manifests.ts'
import type { ResourceType } from './resource-types.ts'

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const annotationsOf = (object: JsonObject): JsonObject => {
  const metadata = object['metadata']
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined
  return isJsonObject(annotations) ? annotations : {}
}

function withAnnotations(object: KubeJson, annotations: JsonObject): KubeJson {
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** The object with the annotation that the next apply compares with. */
export function withLastApplied(object: KubeJson): KubeJson {
  const { [LAST_APPLIED]: _, ...annotations } = annotationsOf(object)
  const applied = `${canonicalJson(withAnnotations(object, annotations))}\n`
  return withAnnotations(object, { ...annotations, [LAST_APPLIED]: applied })
}

/** Members in the order of their names, so that equal configurations have equal text. */
function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  return `{${Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`)
    .join(',')}}`
}

/** Undefined when it was never applied by a client. */
export function lastApplied(live: JsonObject): JsonObject | undefined {
  const text = annotationsOf(live)[LAST_APPLIED]
  return typeof text === 'string' ? (JSON.parse(text) as JsonObject) : undefined
}

export interface ApplyPatch {
  contentType: 'application/strategic-merge-patch+json' | 'application/merge-patch+json'
  patch: JsonObject
}

/** The patch is `{}` when there is nothing to change. */
export function computeApplyPatch(live: JsonObject, wanted: KubeJson, type: ResourceType): ApplyPatch {
  const modified = withLastApplied(wanted)
  const original = lastApplied(live) ?? {}
  const model = modelOfType(type)
  return model === undefined
    ? { contentType: 'application/merge-patch+json', patch: createThreeWayMergePatch(original, modified, live) }
    : {
        contentType: 'application/strategic-merge-patch+json',
        patch: createThreeWayStrategicPatch(original, modified, live, model),
      }
}

/** Custom resources have no model, and servers take no strategic patches of them. */
export function modelOfType({ group, kind, version }: ResourceType): string | undefined {
  if (!KINDS.some((info) => info.group === group && info.kind === kind)) return undefined
  const model = modelNameOf({ group, kind }, version)
  return hasModel(model) ? model : undefined
}
