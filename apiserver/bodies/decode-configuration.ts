/** The configuration of a server-side apply: what the kind has no field for nobody could own, so it fails, whatever strictness is asked for. */
import { isJsonObject, type Json } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { checkLists } from '../../api/patch/check-lists.ts'
import { printElement } from '../../api/patch/field-set.ts'
import { itemElement, type MergeType } from '../../api/patch/merge-type.ts'
import { goPrint } from '../../api/patch/strategic-merge.ts'
import { DecodeError, type TypeMismatch } from '../../api/schema/decode.ts'
import { type ApiError, unclassified } from '../../api/status.ts'
import type { ResourceRequest } from '../api-context.ts'
import { mergeTypeOf } from '../writes/field-managers.ts'
import { fitObject, unfit } from './decode-object.ts'
import { goTypeOf } from './decode-patched.ts'

/** A body of megabytes gets no answer of megabytes. */
const MOST_TOLD = 100
const LONGEST_SHOWN = 1000

/** Changes `sent`. */
export function decodeConfiguration(request: ResourceRequest, sent: Record<string, unknown>): KubeObject {
  const unknown: string[] = []
  const path = (text: string) => pathByKeys(text, sent as Json, mergeTypeOf(request))
  try {
    const config = fitObject({ resource: request.resource, warnings: unknown }, sent, 'Warn', [])
    const unnamed = unknown.length === 0 ? checkLists(config as unknown as Json, mergeTypeOf(request)) : []
    if (unnamed.length > 0) throw untyped(request, sent, unnamed.slice(0, MOST_TOLD))
    if (unknown.length === 0) return config
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    if (!error.mismatch) throw unfit(request.resource, error)
    throw untyped(request, sent, [`${path(error.mismatch.path)}: ${expectation(error.mismatch)}`])
  }
  const undeclared = unknown.map((complaint) => JSON.parse(complaint.slice(complaint.indexOf('"'))) as string)
  throw untyped(
    request,
    sent,
    undeclared.slice(0, MOST_TOLD).map((text) => `${path(text)}: field not declared in schema`),
  )
}

function untyped({ resource }: ResourceRequest, sent: Record<string, unknown>, errors: readonly string[]): ApiError {
  const { namespace = '', name = '' } = sent.metadata as KubeObject['metadata']
  const kind = `${resource.apiVersion.includes('/') ? '' : '/'}${resource.apiVersion}, Kind=${resource.definition.names.kind}`
  const why = errors.length === 1 ? errors[0] : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n')
  return unclassified(`failed to create typed patch object (${namespace}/${name}; ${kind}): ${why}`)
}

/** `spec.containers[0].foo` as `.spec.containers[name="c"].foo`. */
function pathByKeys(path: string, config: Json, type: MergeType): string {
  let text = ''
  let value: Json | undefined = config
  let at: MergeType = type
  for (const [, name, position] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (position !== undefined) {
      const item: Json | undefined = Array.isArray(value) ? value[Number(position)] : undefined
      const isKeyed = at.kind === 'list-map' || at.kind === 'set'
      text +=
        isKeyed && item !== undefined ? printElement(itemElement(item, at as MergeType & { kind: 'list-map' })) : `[${position}]`
      at = at.kind === 'list-map' ? at.items : { kind: 'atomic' }
      value = item
    } else {
      text += `.${name}`
      at = at.kind === 'map' ? at.field(name!) : { kind: 'atomic' }
      value = isJsonObject(value) ? value[name!] : undefined
    }
  }
  return text
}

/** In the words of upstream's merge library, which prints what it found as Go does. */
function expectation({ value, goType }: TypeMismatch): string {
  const found = goPrint(value as Json).slice(0, LONGEST_SHOWN)
  if (goType.startsWith('[]')) return `expected list, got &{${found}}`
  if (goType.startsWith('map[') || /^v\d/.test(goType)) return `expected map, got &{${found}}`
  if (goType === 'bool') return `expected boolean, got &{${found}}`
  if (goType === 'string') return `expected string, got &value.valueUnstructured{Value:${found}}`
  return `expected numeric (int or float), got ${goTypeOf(value)}`
}
