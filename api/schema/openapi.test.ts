import { describe, expect, test } from 'vitest'
import { isJsonObject, type Json, type JsonObject } from '../json.ts'
import { KINDS } from '../kinds.ts'
import { modelNameOf } from './models.ts'
import { encodeOpenApiV2 } from './openapi-protobuf.ts'
import { buildOpenApiV2, buildOpenApiV3, buildOpenApiV3Index, openApiHash, type OpenApiResource } from './openapi.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const builtIn: OpenApiResource[] = KINDS.flatMap((info) =>
  info.versions.map((version) => ({ ...info, version, verbs, subresources: ['status'], model: modelNameOf(info, version) })),
)
const custom: OpenApiResource = {
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  verbs,
  subresources: [],
  schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { n: { anyOf: [{ type: 'integer' }], type: 'integer' } } } },
  },
}
const resources = [...builtIn, custom]
const info = { version: 'v1.36.0+kubelab.0' }

const refsIn = (value: Json): string[] =>
  Array.isArray(value)
    ? value.flatMap(refsIn)
    : isJsonObject(value)
      ? Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner)))
      : []

const v2 = buildOpenApiV2(resources, info)
const definitions = v2['definitions'] as Record<string, JsonObject>

test('definitions are named as upstream names them', () => {
  const names = [
    'io.k8s.api.core.v1.Pod',
    'io.k8s.api.core.v1.PodSpec',
    'io.k8s.api.core.v1.PodTemplateSpec',
    'io.k8s.api.core.v1.Event',
    'io.k8s.api.core.v1.EventSource',
    'io.k8s.api.events.v1.Event',
    'io.k8s.api.apps.v1.Deployment',
    'io.k8s.api.apps.v1.DeploymentList',
    'io.k8s.api.autoscaling.v2.MetricSpec',
    'io.k8s.api.rbac.v1.Subject',
    'io.k8s.api.flowcontrol.v1.Subject',
    'io.k8s.api.resource.v1.ResourceClaim',
    'io.k8s.api.core.v1.ResourceClaim',
    'io.k8s.api.networking.v1.Ingress',
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
    'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
    'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    'com.example.stable.v1.CronTab',
  ]
  expect(names.filter((name) => !(name in definitions))).toEqual([])
})

test('kinds, merge keys and list types are in the extensions', () => {
  expect(definitions['io.k8s.api.apps.v1.Deployment']!['x-kubernetes-group-version-kind']).toEqual([
    { group: 'apps', kind: 'Deployment', version: 'v1' },
  ])
  expect((definitions['io.k8s.api.core.v1.PodSpec']!['properties'] as JsonObject)['volumes']).toMatchObject({
    type: 'array',
    items: { $ref: '#/definitions/io.k8s.api.core.v1.Volume' },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge,retainKeys',
  })
})

describe('no reference leads nowhere', () => {
  test('in v2', () => {
    const missing = refsIn(v2).filter((ref) => !(ref.replace('#/definitions/', '') in definitions))
    expect([...new Set(missing)]).toEqual([])
  })

  test.each([...buildOpenApiV3(resources, info)])('in v3 of %s', (_, document) => {
    const { schemas } = document['components'] as { schemas: JsonObject }
    const missing = refsIn(document).filter((ref) => !(ref.replace('#/components/schemas/', '') in schemas))
    expect([...new Set(missing)]).toEqual([])
  })
})

test('patch operations name their kind and say that they take a dry run', () => {
  const path = (v2['paths'] as Record<string, Record<string, JsonObject>>)[
    '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
  ]!
  expect(path['patch']!['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' })
  expect((path['patch']!['parameters'] as JsonObject[]).map(({ name }) => name)).toContain('dryRun')
})

test('every parameter says what it does, and a write what its body is', () => {
  const paths = Object.values(v2['paths'] as Record<string, Record<string, JsonObject>>)
  const operations = paths.flatMap((path) => Object.entries(path).filter(([method]) => method !== 'parameters'))
  const parameters = [
    ...operations.flatMap(([, operation]) => operation['parameters'] as JsonObject[]),
    ...paths.flatMap((path) => (path['parameters'] ?? []) as JsonObject[]),
  ]
  expect(parameters.filter((each) => each['in'] !== 'body' && !each['description'])).toEqual([])
  const bodies = operations.filter(([, operation]) =>
    (operation['parameters'] as JsonObject[]).some((each) => each['in'] === 'body'),
  )
  expect(new Set(bodies.map(([method]) => method))).toEqual(new Set(['post', 'put', 'patch']))
})

test('a list answers with a list, in a namespace as in all of them', () => {
  const paths = v2['paths'] as Record<string, Record<string, JsonObject>>
  for (const path of ['/api/v1/namespaces/{namespace}/pods', '/api/v1/pods'])
    expect(paths[path]!['get']!['responses']).toMatchObject({
      200: { schema: { $ref: '#/definitions/io.k8s.api.core.v1.PodList' } },
    })
  expect(paths['/api/v1/namespaces/{namespace}/pods']!['post']!['responses']).toMatchObject({
    200: { schema: { $ref: '#/definitions/io.k8s.api.core.v1.Pod' } },
  })
})

test('old clients get no schema words that they do not know', () => {
  expect(JSON.stringify(definitions['com.example.stable.v1.CronTab'])).not.toContain('anyOf')
})

test('the index carries a hash of each document', () => {
  const hashes = new Map(
    [...buildOpenApiV3(resources, info)].map(([path, document]) => [path, openApiHash(JSON.stringify(document))]),
  )
  const { paths } = buildOpenApiV3Index(hashes) as { paths: Record<string, { serverRelativeURL: string }> }
  expect(paths['api/v1']!.serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{128}$/)
  expect(Object.keys(paths)).toContain('apis/stable.example.com/v1')
})

test('the protobuf form carries the same definitions', () => {
  const bytes = encodeOpenApiV2(v2)
  expect(bytes.length).toBeGreaterThan(500_000)
  expect(bytes.includes('io.k8s.api.apps.v1.Deployment')).toBe(true)
})
