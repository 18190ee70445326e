/** Builds `/openapi/v2` and `/openapi/v3` from the models and the resources that are served. Pure; callers keep the results. */
import { createHash } from 'node:crypto'
import type { Json, JsonObject } from '../json.ts'
import { hasModel, modelOf } from './models.ts'
import { customMembers, customSchema } from './openapi-custom.ts'
import { BODY_KINDS, customDefinitionName, definitionName, listModelOf, refsOf } from './openapi-names.ts'
import { pathsOfResource, type PathResource } from './openapi-paths.ts'
import { refTo, scalarDefinitions, schemaOfModel, type Dialect } from './openapi-schemas.ts'

/** One resource in one version. Built-in kinds name their model, custom ones carry their `openAPIV3Schema`. */
export interface OpenApiResource extends PathResource {
  model?: string | undefined
  schema?: JsonObject | undefined
}

export interface OpenApiInfo {
  /** `v1.36.0+kubelab.0` */
  version: string
}

type Definitions = Map<string, JsonObject>

/** `api/v1`, `apis/apps/v1` */
const groupVersionPath = ({ group, version }: { group: string; version: string }) =>
  group ? `apis/${group}/${version}` : `api/${version}`

export function buildOpenApiV2(resources: readonly OpenApiResource[], { version }: OpenApiInfo): JsonObject {
  const definitions = definitionsOf(resources, 'v2', BODY_KINDS)
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths: pathsOf(resources, 'v2'),
    definitions: sorted(definitions),
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  }
}

/** Documents by group and version (`apis/apps/v1`). */
export function buildOpenApiV3(resources: readonly OpenApiResource[], { version }: OpenApiInfo): Map<string, JsonObject> {
  const documents = new Map<string, JsonObject>()
  for (const [path, members] of Map.groupBy(resources, groupVersionPath)) {
    const bodies = BODY_KINDS.filter((body) => groupVersionPath(body) === path)
    documents.set(path, {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version },
      paths: pathsOf(members, 'v3'),
      components: {
        schemas: sorted(definitionsOf(members, 'v3', bodies)),
        securitySchemes: {
          BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
        },
      },
    })
  }
  return documents
}

/** The same for the same bytes, so that clients may keep a document for as long as its address does not change. */
export const openApiHash = (document: string | Uint8Array): string =>
  createHash('sha512').update(document).digest('hex').toUpperCase()

/** `/openapi/v3`: where each document is. Hashes by the same names as `buildOpenApiV3` gives. */
export const buildOpenApiV3Index = (hashes: ReadonlyMap<string, string>): JsonObject => ({
  paths: Object.fromEntries(
    [...hashes].map(([path, hash]): [string, Json] => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]),
  ),
})

const sorted = (definitions: Definitions): JsonObject =>
  Object.fromEntries([...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1)))

const nameOf = ({ group, version, kind, model }: OpenApiResource): string =>
  model === undefined ? customDefinitionName(group, version, kind) : definitionName(model)

const listNameOf = (resource: OpenApiResource): string =>
  resource.model === undefined ? `${nameOf(resource)}List` : definitionName(listModelOf(resource.model))

function pathsOf(resources: readonly OpenApiResource[], dialect: Dialect): JsonObject {
  const paths: JsonObject = {}
  for (const resource of resources) {
    Object.assign(
      paths,
      pathsOfResource(resource, refTo(nameOf(resource), dialect), refTo(listNameOf(resource), dialect), dialect),
    )
  }
  return paths
}

type GroupVersionKind = { group: string; version: string; kind: string; model: string }

function definitionsOf(
  resources: readonly OpenApiResource[],
  dialect: Dialect,
  bodies: readonly GroupVersionKind[],
): Definitions {
  const definitions: Definitions = new Map(Object.entries(scalarDefinitions(dialect)))
  const kinds: GroupVersionKind[] = [
    ...resources.flatMap(({ group, version, kind, model }) =>
      model === undefined
        ? []
        : [
            { group, version, kind, model },
            { group, version, kind: `${kind}List`, model: listModelOf(model) },
          ],
    ),
    ...bodies,
    { group: '', version: 'v1', kind: 'Status', model: 'Status' },
    { group: '', version: 'v1', kind: 'DeleteOptions', model: 'DeleteOptions' },
    { group: '', version: 'v1', kind: 'WatchEvent', model: 'WatchEvent' },
  ].filter(({ model }) => hasModel(model))
  const gvks = new Map<string, JsonObject[]>()
  for (const { group, version, kind, model } of kinds) {
    const known = gvks.get(model) ?? []
    if (!known.some((gvk) => gvk['group'] === group && gvk['kind'] === kind && gvk['version'] === version)) {
      gvks.set(model, [...known, { group, kind, version }])
    }
  }
  for (const { model } of kinds) collect(model, dialect, gvks, definitions)
  // Custom resources refer to these, whatever else is served.
  for (const model of ['ObjectMeta', 'ListMeta']) collect(model, dialect, gvks, definitions)
  for (const resource of resources) if (resource.model === undefined) addCustom(resource, dialect, definitions)
  return definitions
}

/** A model and every model that it refers to. */
function collect(model: string, dialect: Dialect, gvks: ReadonlyMap<string, JsonObject[]>, into: Definitions): void {
  const name = definitionName(model)
  if (into.has(name) || !hasModel(model)) return
  into.set(name, schemaOfModel(model, dialect, gvks.get(model)))
  for (const field of Object.values(modelOf(model).fields)) for (const ref of refsOf(field)) collect(ref, dialect, gvks, into)
}

function addCustom(resource: OpenApiResource, dialect: Dialect, definitions: Definitions): void {
  const { group, version, kind } = resource
  const name = nameOf(resource)
  definitions.set(name, {
    ...customSchema(resource.schema, dialect),
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
  })
  definitions.set(`${name}List`, {
    description: `${kind}List is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...customMembers(dialect, 'ListMeta'),
      items: { description: `List of ${resource.plural}.`, type: 'array', items: refTo(name, dialect) },
    },
    'x-kubernetes-group-version-kind': [{ group, kind: `${kind}List`, version }],
  })
}
