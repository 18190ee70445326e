/** Client-side apply as kubectl does it: three-way patches from what was applied last, what is wanted now, and what is there. */
import type { JsonObject } from '../../api/json.ts'
import { annotationsOf, LAST_APPLIED, lastAppliedText, readLastApplied } from '../../api/patch/last-applied.ts'
import { createMergePatch, createThreeWayMergePatch } from '../../api/patch/merge-patch.ts'
import { createStrategicMergePatch, createThreeWayStrategicPatch } from '../../api/patch/strategic-merge.ts'
import { KINDS } from '../../api/kinds.ts'
import { hasModel, modelNameOf } from '../../api/schema/models.ts'
import type { KubeJson } from '../arguments/manifests.ts'
import type { ResourceType } from '../arguments/resource-types.ts'

/** The object with the annotation that the next apply compares with. */
export function withLastApplied(object: KubeJson): KubeJson {
  const annotations = { ...annotationsOf(object), [LAST_APPLIED]: lastAppliedText(object) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

export interface ApplyPatch {
  contentType: 'application/strategic-merge-patch+json' | 'application/merge-patch+json'
  patch: JsonObject
}

/** The patch is `{}` when there is nothing to change. */
export function computeApplyPatch(live: JsonObject, wanted: KubeJson, type: ResourceType): ApplyPatch {
  const modified = withLastApplied(wanted)
  const original = readLastApplied(live) ?? {}
  const model = modelOfType(type)
  return model === undefined
    ? { contentType: 'application/merge-patch+json', patch: createThreeWayMergePatch(original, modified, live) }
    : {
        contentType: 'application/strategic-merge-patch+json',
        patch: createThreeWayStrategicPatch(original, modified, live, model),
      }
}

/** What makes of the object as it was shown the object as it was edited. */
export function computeEditPatch(before: JsonObject, after: JsonObject, type: ResourceType): ApplyPatch {
  const model = modelOfType(type)
  return model === undefined
    ? { contentType: 'application/merge-patch+json', patch: createMergePatch(before, after) }
    : { contentType: 'application/strategic-merge-patch+json', patch: createStrategicMergePatch(before, after, model) }
}

/** Custom resources have no model, and servers take no strategic patches of them. */
export function modelOfType({ group, kind, version }: ResourceType): string | undefined {
  if (!KINDS.some((info) => info.group === group && info.kind === kind)) return undefined
  const model = modelNameOf({ group, kind }, version)
  return hasModel(model) ? model : undefined
}
