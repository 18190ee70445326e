/** The patch that a webhook answered, made in the version it was told of and kept in the version that is stored. */
import { deepEqual, type Json } from '../../api/json.ts'
import { applyJsonPatch } from '../../api/patch/json-patch.ts'
import { badRequest, internalError } from '../../api/status.ts'
import type { ServedResources } from '../served-resources.ts'
import type { CompiledWebhook, ResourceVersion } from './match-webhook.ts'
import { replaceContents } from './reinvocation.ts'
import { tell, untell, type Requested } from './told.ts'

/** Whether the object is another one now. */
export async function applyPatch(
  resources: ServedResources,
  { webhook }: CompiledWebhook,
  request: Requested,
  as: ResourceVersion,
  patch: unknown,
): Promise<boolean> {
  const { attributes } = request
  if (!attributes.object) {
    const name = JSON.stringify(webhook.name)
    throw internalError(
      new Error(`admission webhook ${name} attempted to modify the object, which is not supported for this operation`),
    )
  }
  const before = (await tell(resources, request, as)).object
  let patched: Json
  try {
    patched = applyJsonPatch(before, patch)
  } catch (error) {
    throw internalError(error instanceof Error && error.cause instanceof Error ? error.cause : error)
  }
  if (deepEqual(before, patched)) return false
  const { namespace } = attributes.object.metadata ?? {}
  const after = await untell(resources, request, as, patched)
  if (after.metadata?.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  replaceContents(attributes.object, after)
  return true
}
