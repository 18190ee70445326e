/** PATCH: JSON, merge, strategic merge and server-side apply, against the object as its version in the path shows it. */
import type { KubeObject } from '../../api/object.ts'
import { forbidden as forbiddenField } from '../../api/field-error.ts'
import type { Json, JsonObject } from '../../api/json.ts'
import { applyJsonPatch } from '../../api/patch/json-patch.ts'
import { applyMergePatch } from '../../api/patch/merge-patch.ts'
import { applyStrategicMergePatch, notAMap } from '../../api/patch/strategic-merge.ts'
import { badRequest, invalid, unsupportedMediaType } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { complaintsOf, decodePatched, decodeStrategic } from '../bodies/decode-patched.ts'
import { isRecord, readFieldValidation } from '../bodies/decode-object.ts'
import { mediaTypeOf, parseJson, readBody } from '../bodies/read-body.ts'
import { checkAcceptable } from '../answers/send-object.ts'
import { sendStored } from '../answers/send-stored.ts'
import { readFromStorage } from '../storage-version.ts'
import type { Entry } from '../storage/store.ts'
import { updateObject } from '../writes/update-object.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { apply } from './apply.ts'

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'
const APPLY_PATCH = 'application/apply-patch+yaml'

export async function patch(context: ApiContext, request: ResourceRequest): Promise<void> {
  checkAcceptable(request)
  const options = readWriteOptions(request, 'PatchOptions')
  if (patchTypeOf(request) === APPLY_PATCH) {
    readFieldValidation(request.info.query, 'PatchOptions')
    return apply(context, request, options, await readBody(request.raw))
  }
  const applyTo = await readPatch(request)
  const stored = await updateObject(context, request, options, {
    compute: async (current) => applyTo(await privateCopy(request, current)),
  })
  await sendStored(context, request, 200, stored)
}

/** The body of any patch but an apply, as a function from the present object, which it may change, to the patched one. */
export async function readPatch(request: ResourceRequest): Promise<(current: KubeObject) => KubeObject> {
  const type = patchTypeOf(request)
  const validation = readFieldValidation(request.info.query, 'PatchOptions')
  if (request.info.query.get('force') !== null) throw forceIsForApply()
  const body = await readBody(request.raw)
  const patch = parseJson(body, 'error decoding patch') as Json
  request.audit?.requestObject(patch)
  const complaints = validation === 'Ignore' ? [] : complaintsOf(patch, body)
  return (current) => {
    const patched = applyPatch(type, request, current, patch)
    if (!isRecord(patched)) throw badRequest('the patch does not leave an object')
    return type === STRATEGIC_PATCH
      ? decodeStrategic(request, patched, patch, validation, complaints)
      : decodePatched(request, patched, validation, complaints)
  }
}

const forceIsForApply = () =>
  invalid('meta.k8s.io', 'PatchOptions', '', [forbiddenField('force', 'may not be specified for non-apply patch')])

/** Throws 415. Custom resources have no schema of merge keys, and so no strategic merge. */
function patchTypeOf({ raw, resource }: ResourceRequest): string {
  const type = mediaTypeOf(raw.headers['content-type'] ?? '')
  const custom = Object.keys(resource.definition.models).length === 0
  const known = [JSON_PATCH, MERGE_PATCH, ...(custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH]
  if (!known.includes(type)) throw unsupportedMediaType(known)
  return type
}

/** The stored object as the path's version has it, for this call alone: steps after it fill it in. */
const privateCopy = ({ resource }: ResourceRequest, current: Entry): KubeObject | Promise<KubeObject> =>
  readFromStorage(resource, JSON.parse(current.bytes.toString()) as KubeObject)

function applyPatch(type: string, { resource }: ResourceRequest, current: KubeObject, patch: Json): unknown {
  const document = current as unknown as JsonObject
  switch (type) {
    case JSON_PATCH:
      return applyJsonPatch(document, patch)
    case MERGE_PATCH:
      if (!isRecord(patch)) throw badRequest(`error decoding patch: ${notAMap(patch)}`)
      return applyMergePatch(document, patch)
    default:
      return applyStrategicMergePatch(document, patch, resource.definition.models[resource.version]!)
  }
}
