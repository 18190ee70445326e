/** Patches as users write them, and what they would make of an object without a server. */
import { parse } from 'yaml'
import type { Json, JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import type { ResourceType } from '../arguments/resource-types.ts'

export type PatchKind = 'json' | 'merge' | 'strategic'

/** JSON or YAML. What begins like JSON but is none goes to the server as it is: it says what is wrong with it. */
export function parsePatch(text: string): Json {
  const looksLikeJson = /^\s*[{[]/.test(text)
  try {
    return (looksLikeJson ? JSON.parse(text) : parse(text, { version: '1.1' })) as Json
  } catch (error) {
    if (looksLikeJson) return text
    throw new CliError(`unable to parse ${JSON.stringify(text)}: ${(error as Error).message}`)
  }
}

/** The patching code and its models are loaded only here: the server does it for everybody else. */
export async function applyLocally(object: JsonObject, patch: Json, kind: PatchKind, type: ResourceType): Promise<JsonObject> {
  if (kind === 'json') return (await import('../../api/patch/json-patch.ts')).applyJsonPatch(object, patch) as JsonObject
  if (kind === 'merge') return (await import('../../api/patch/merge-patch.ts')).applyMergePatch(object, patch) as JsonObject
  const { modelOfType } = await import('./client-side-apply.ts')
  const model = modelOfType(type)
  if (!model) throw new CliError('strategic merge patch is not supported for custom resources')
  return (await import('../../api/patch/strategic-merge.ts')).applyStrategicMergePatch(object, patch, model)
}
