/** The operations on one served resource, as far as clients read them: kinds, parameters and content types. */
import type { Json, JsonObject } from '../json.ts'

export interface PathResource {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  verbs: readonly string[]
  subresources: readonly string[]
}

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

const LIST_PARAMETERS = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'timeoutSeconds',
  'watch',
]
const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation']
const DELETE_PARAMETERS = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy']

interface Shape {
  method: string
  verb: string
  action: string
  parameters: readonly string[]
}

const COLLECTION: readonly Shape[] = [
  { method: 'get', verb: 'list', action: 'list', parameters: LIST_PARAMETERS },
  { method: 'post', verb: 'create', action: 'post', parameters: WRITE_PARAMETERS },
  {
    method: 'delete',
    verb: 'deletecollection',
    action: 'deletecollection',
    parameters: [...LIST_PARAMETERS, ...DELETE_PARAMETERS],
  },
]
const OBJECT: readonly Shape[] = [
  { method: 'get', verb: 'get', action: 'get', parameters: [] },
  { method: 'put', verb: 'update', action: 'put', parameters: WRITE_PARAMETERS },
  { method: 'patch', verb: 'patch', action: 'patch', parameters: [...WRITE_PARAMETERS, 'force'] },
  { method: 'delete', verb: 'delete', action: 'delete', parameters: DELETE_PARAMETERS },
]
const SUBRESOURCE = OBJECT.filter(({ verb }) => verb !== 'delete')
const LISTS = COLLECTION.filter(({ verb }) => verb === 'list')

const BOOLEAN = new Set(['allowWatchBookmarks', 'watch', 'force', 'orphanDependents'])
const INTEGER = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds'])

function parameter(name: string, place: 'query' | 'path', dialect: 'v2' | 'v3'): JsonObject {
  const type = BOOLEAN.has(name) ? 'boolean' : INTEGER.has(name) ? 'integer' : 'string'
  const typed: JsonObject = dialect === 'v2' ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } }
  return { name, in: place, ...(place === 'path' && { required: true }), ...typed }
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function operation(shape: Shape, resource: PathResource, suffix: string, ref: JsonObject, dialect: 'v2' | 'v3'): JsonObject {
  const { group, version, kind } = resource
  const tag = `${(group || 'core').replace(/\..*/, '')}_${version}`
  const accepted = ['application/json', 'application/yaml']
  const content: JsonObject = Object.fromEntries(accepted.map((type): [string, Json] => [type, { schema: ref }]))
  return {
    tags: [tag],
    operationId: shape.action + tag.split('_').map(capitalized).join('') + suffix,
    ...(dialect === 'v2' && {
      consumes: shape.method === 'patch' ? PATCH_TYPES : ['*/*'],
      produces: accepted,
      schemes: ['https'],
    }),
    parameters: shape.parameters.map((name) => parameter(name, 'query', dialect)),
    responses: { 200: dialect === 'v2' ? { description: 'OK', schema: ref } : { description: 'OK', content } },
    'x-kubernetes-action': shape.action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  }
}

function pathItem(
  shapes: readonly Shape[],
  names: readonly string[],
  resource: PathResource,
  suffix: string,
  ref: JsonObject,
  dialect: 'v2' | 'v3',
): JsonObject {
  const item: JsonObject = {}
  for (const shape of shapes) {
    if (resource.verbs.includes(shape.verb)) item[shape.method] = operation(shape, resource, suffix, ref, dialect)
  }
  if (names.length > 0) item['parameters'] = names.map((name) => parameter(name, 'path', dialect))
  return item
}

/** Every path of a resource; `ref` and `listRef` are references to its definitions. */
export function pathsOfResource(resource: PathResource, ref: JsonObject, listRef: JsonObject, dialect: 'v2' | 'v3'): JsonObject {
  const { group, version, kind, plural, namespaced, subresources } = resource
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
  const scope = namespaced ? ['namespace'] : []
  const prefix = namespaced ? 'Namespaced' : ''
  const paths: JsonObject = {
    [collection]: {
      ...pathItem(COLLECTION, scope, resource, prefix + kind, ref, dialect),
      ...pathItem(LISTS, scope, resource, prefix + kind, listRef, dialect),
    },
    [`${collection}/{name}`]: pathItem(OBJECT, ['name', ...scope], resource, prefix + kind, ref, dialect),
  }
  if (namespaced) paths[`${root}/${plural}`] = pathItem(LISTS, [], resource, `${kind}ForAllNamespaces`, listRef, dialect)
  for (const subresource of subresources) {
    const suffix = prefix + kind + capitalized(subresource)
    paths[`${collection}/{name}/${subresource}`] = pathItem(SUBRESOURCE, ['name', ...scope], resource, suffix, ref, dialect)
  }
  return paths
}
