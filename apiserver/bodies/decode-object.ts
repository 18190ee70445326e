/** From a parsed body to an object of the resource's own kind: the right kind and version, the right types, nothing unknown. */
import { notSupported } from '../../api/field-error.ts'
import { jsonType } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { decode, DecodeError, decodeFailure, strictMessage } from '../../api/schema/decode.ts'
import { findDuplicateFields } from '../../api/schema/duplicate-fields.ts'
import { badRequest, invalid } from '../../api/status.ts'
import type { ResourceRequest } from '../api-context.ts'
import { prune } from '../custom-resources/prune-and-default.ts'
import { bodyFormat, parseBody, readBody } from './read-body.ts'
import type { ServedResource } from '../served-resources.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export function readFieldValidation(query: URLSearchParams, optionsKind: string): FieldValidation {
  const value = query.get('fieldValidation') || 'Warn'
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value
  throw invalid('meta.k8s.io', optionsKind, '', [notSupported('fieldValidation', value, ['Ignore', 'Warn', 'Strict'])])
}

/** The object of a POST or PUT, in the version it was sent in. */
export async function readObject(request: ResourceRequest, optionsKind: string): Promise<KubeObject> {
  const { raw, resource } = request
  const validation = readFieldValidation(request.info.query, optionsKind)
  const format = bodyFormat(raw.headers['content-type'])
  const body = await readBody(raw)
  const what = unrecognized(resource)
  const value = await parseBody(body, format, what)
  if (!isRecord(value))
    throw badRequest(`${what}: json: cannot unmarshal ${jsonType(value)} into Go value of type map[string]interface {}`)
  const duplicates = validation !== 'Ignore' && format === 'json' ? findDuplicateFields(body.toString(), value) : []
  const object = decodeObject(request, value, validation, duplicates)
  request.audit?.requestObject(object)
  return object
}

/** Upstream's opening of the complaint about a body that names no kind. */
const unrecognized = ({ definition, version }: ServedResource) =>
  `the object provided is unrecognized (must be of type ${definition.names.kind}): couldn't get version/kind; json parse error in version ${JSON.stringify(version)}`

/** Changes `value`. Complaints of strict validation go to the request's warnings, or refuse it. */
export function decodeObject(
  request: Pick<ResourceRequest, 'resource' | 'warnings'>,
  value: Record<string, unknown>,
  validation: FieldValidation,
  complaints: readonly string[] = [],
): KubeObject {
  try {
    return fitObject(request, value, validation, complaints)
  } catch (error) {
    throw error instanceof DecodeError ? unfit(request.resource, error) : error
  }
}

export const unfit = ({ definition, version }: ServedResource, { message }: DecodeError) =>
  decodeFailure(definition.names.kind, version, message)

/** As `decodeObject`, for who has words of its own for what does not fit: throws the bare DecodeError. */
export function fitObject(
  { resource, warnings }: Pick<ResourceRequest, 'resource' | 'warnings'>,
  value: Record<string, unknown>,
  validation: FieldValidation,
  complaints: readonly string[],
): KubeObject {
  const { definition, apiVersion } = resource
  checkKind(resource, value)
  value.apiVersion = apiVersion
  value.kind = definition.names.kind
  if (value.metadata === undefined || value.metadata === null) value.metadata = {}
  const { object, strictErrors } = decodeByModel(resource, value)
  const strict = [...complaints, ...strictErrors]
  if (strict.length > 0 && validation === 'Strict') throw new DecodeError(strictMessage(strict))
  if (validation === 'Warn') warnings.push(...strict)
  return object
}

function decodeByModel({ definition, version }: ServedResource, value: Record<string, unknown>) {
  const model = definition.models[version]
  if (model !== undefined) return decode<KubeObject>(model, value)
  const { object: metadata, strictErrors } = decode<KubeObject['metadata']>('ObjectMeta', value.metadata)
  // Metadata is read by itself, so its complaints begin below it.
  const complaints = strictErrors.map((text) => text.replace('"', '"metadata.'))
  const whole = { ...value, metadata }
  const schema = definition.schemas?.[version]
  const pruned = schema ? prune(whole, schema) : { value: whole, unknown: [] }
  const unknown = pruned.unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  return { object: pruned.value as unknown as KubeObject, strictErrors: [...complaints, ...unknown] }
}

/** Either may be left out; what is there must be what the path says. */
function checkKind({ definition, version, apiVersion, alsoTaken = [] }: ServedResource, value: Record<string, unknown>): void {
  const { kind } = definition.names
  for (const field of ['apiVersion', 'kind'] as const)
    if (value[field] !== undefined && typeof value[field] !== 'string')
      throw new DecodeError(
        `json: cannot unmarshal ${jsonType(value[field])} into Go struct field TypeMeta.${field} of type string`,
      )
  if (value.apiVersion && value.apiVersion !== apiVersion && !alsoTaken.includes(value.apiVersion as string))
    throw badRequest(`the API version in the data (${value.apiVersion}) does not match the expected API version (${apiVersion})`)
  if (value.kind && value.kind !== kind)
    throw badRequest(
      `${value.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: converting (v1.${value.kind}) to (v1.${kind}): unknown conversion`,
    )
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
