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

/** Each parameter there is, and what it does. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  allowWatchBookmarks: 'Whether a watch may have BOOKMARK events, which tell the revision that it has come to.',
  continue: 'Goes on after a page: the token of the answer before, with the same selectors.',
  dryRun: 'All: everything is done but storing it.',
  fieldManager: 'Who owns the fields that this request sets: at most 128 printable characters. Required for apply.',
  fieldSelector: 'Only objects whose fields are so.',
  fieldValidation:
    'What becomes of unknown and duplicate fields: Ignore drops them, Warn warns of them, Strict refuses the request.',
  force: 'Takes fields over from other managers, for apply only.',
  gracePeriodSeconds: 'How long the object may take to end; 0 is at once. Without it, the default of the kind.',
  labelSelector: 'Only objects whose labels are so.',
  limit: 'How many objects a page may have; the answer has a token for the rest.',
  name: 'Name of the object.',
  namespace: 'Namespace of the object, or of all in the list.',
  orphanDependents: 'Deprecated: use propagationPolicy.',
  pretty: 'Whether the answer is indented, for people.',
  propagationPolicy:
    'What becomes of dependents: Orphan leaves them, Background removes them after, Foreground before the object.',
  resourceVersion: 'How new the answer must be, or where a watch begins.',
  resourceVersionMatch: 'How resourceVersion is meant: NotOlderThan or Exact.',
  sendInitialEvents: 'Whether a watch begins with what there is, and a bookmark after it.',
  timeoutSeconds: 'How long the request may last.',
  watch: 'Whether changes are to be sent as they come.',
}

const LIST_PARAMETERS = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'pretty',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
]
const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'pretty']
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
  { method: 'get', verb: 'get', action: 'get', parameters: ['pretty', 'resourceVersion'] },
  { method: 'put', verb: 'update', action: 'put', parameters: WRITE_PARAMETERS },
  { method: 'patch', verb: 'patch', action: 'patch', parameters: [...WRITE_PARAMETERS, 'force'] },
  { method: 'delete', verb: 'delete', action: 'delete', parameters: [...DELETE_PARAMETERS, 'pretty'] },
]
const SUBRESOURCE = OBJECT.filter(({ verb }) => verb !== 'delete')
const LISTS = COLLECTION.filter(({ verb }) => verb === 'list')

const BOOLEAN = new Set(['allowWatchBookmarks', 'watch', 'force', 'orphanDependents', 'sendInitialEvents'])
const INTEGER = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds'])

function parameter(name: string, place: 'query' | 'path', dialect: 'v2' | 'v3'): JsonObject {
  const type = BOOLEAN.has(name) ? 'boolean' : INTEGER.has(name) ? 'integer' : 'string'
  const typed: JsonObject = dialect === 'v2' ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } }
  return { name, in: place, description: DESCRIPTIONS[name]!, ...(place === 'path' && { required: true }), ...typed }
}

/** A patch has no schema of its own: its form is what its content type says. */
const bodyOf = ({ method }: Shape, ref: JsonObject): JsonObject | undefined =>
  method === 'patch' ? { type: 'object' } : method === 'post' || method === 'put' ? ref : undefined

function bodyMember(shape: Shape, schema: JsonObject): JsonObject {
  const types = shape.method === 'patch' ? PATCH_TYPES : ['*/*']
  return { required: true, content: Object.fromEntries(types.map((type): [string, Json] => [type, { schema }])) }
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function operation(shape: Shape, resource: PathResource, suffix: string, ref: JsonObject, dialect: 'v2' | 'v3'): JsonObject {
  const { group, version, kind } = resource
  const tag = `${(group || 'core').replace(/\..*/, '')}_${version}`
  const accepted = ['application/json', 'application/yaml']
  const body = bodyOf(shape, ref)
  const content: JsonObject = Object.fromEntries(accepted.map((type): [string, Json] => [type, { schema: ref }]))
  return {
    tags: [tag],
    operationId: shape.action + tag.split('_').map(capitalized).join('') + suffix,
    ...(dialect === 'v2' && {
      consumes: shape.method === 'patch' ? PATCH_TYPES : ['*/*'],
      produces: accepted,
      schemes: ['https'],
    }),
    ...(dialect === 'v3' && body && { requestBody: bodyMember(shape, body) }),
    parameters: [
      ...(dialect === 'v2' && body ? [{ name: 'body', in: 'body', required: true, schema: body }] : []),
      ...shape.parameters.map((name) => parameter(name, 'query', dialect)),
    ],
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
