/** /openapi/v2 and /openapi/v3: the schemas of what is served, made when first asked for and again when that has changed. */
import type { JsonObject } from '../../api/json.ts'
import { unknownPath } from '../../api/status.ts'
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { sendBytes, sendJson } from '../answers/respond.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import type { ServedResources } from '../served-resources.ts'
import { subresourcesOf } from '../subresources.ts'
import { KUBERNETES_VERSION } from '../../component/version.ts'

interface Documents {
  generation: number
  /** Which documents of other servers are in `v2`. */
  merged: number
  v2: Buffer | undefined
  v2Protobuf: Buffer | undefined
  v3: Map<string, { body: Buffer; hash: string }> | undefined
}

const cache = new WeakMap<ServedResources, Documents>()
const info = { version: KUBERNETES_VERSION }

export async function openapi(context: ApiContext, request: ApiRequest): Promise<void> {
  const { path } = request.info
  const documents = documentsOf(context)
  if (path === '/openapi/v2') return sendV2(context, request, documents)
  if (!path.startsWith('/openapi/v3')) throw unknownPath()
  const { buildOpenApiV3, buildOpenApiV3Index, openApiHash } = await import('../../api/schema/openapi.ts')
  documents.v3 ??= new Map(
    [...buildOpenApiV3(await resourcesOf(context), info)].map(([name, document]) => {
      const body = Buffer.from(JSON.stringify(document))
      return [name, { body, hash: openApiHash(body) }]
    }),
  )
  if (path === '/openapi/v3' || path === '/openapi/v3/') {
    const { paths } = buildOpenApiV3Index(new Map([...documents.v3].map(([name, { hash }]) => [name, hash])))
    return sendJson(request, 200, { paths: { ...(paths as object), ...context.aggregation.openapi() } })
  }
  const document = documents.v3.get(path.slice('/openapi/v3/'.length))
  if (!document) throw unknownPath()
  await sendCacheable(request, document.body, document.hash, 'application/json')
}

function documentsOf({ resources, aggregation }: ApiContext): Documents {
  const known = cache.get(resources)
  const [generation, merged] = [resources.generation(), aggregation.openapiV2Generation()]
  if (known?.generation === generation && known.merged === merged) return known
  const fresh: Documents = { generation, merged, v2: undefined, v2Protobuf: undefined, v3: undefined }
  if (known?.generation === generation) fresh.v3 = known.v3
  cache.set(resources, fresh)
  return fresh
}

/** Old kubectls take protobuf alone; whoever takes JSON gets JSON. */
async function sendV2(context: ApiContext, request: ApiRequest, documents: Documents): Promise<void> {
  const { buildOpenApiV2, openApiHash } = await import('../../api/schema/openapi.ts')
  const accept = request.raw.headers.accept ?? ''
  const { mergeOpenApiV2 } = await import('../aggregation/merge-openapi.ts')
  const json = async () => {
    const own = buildOpenApiV2(await resourcesOf(context), info)
    return (documents.v2 ??= Buffer.from(JSON.stringify(mergeOpenApiV2(own, context.aggregation.openapiV2()))))
  }
  if (!accept.includes('proto-openapi.spec.v2')) {
    const body = await json()
    return sendCacheable(request, body, openApiHash(body), 'application/json')
  }
  const { encodeOpenApiV2, OPENAPI_V2_PROTOBUF_TYPE } = await import('../../api/schema/openapi-protobuf.ts')
  documents.v2Protobuf ??= encodeOpenApiV2(JSON.parse((await json()).toString()) as JsonObject)
  await sendCacheable(request, documents.v2Protobuf, openApiHash(documents.v2Protobuf), OPENAPI_V2_PROTOBUF_TYPE)
}

async function sendCacheable(request: ApiRequest, body: Buffer, hash: string, type: string): Promise<void> {
  const tag = `"${hash}"`
  request.response.setHeader('Etag', tag)
  if (request.raw.headers['if-none-match'] === tag) {
    request.response.writeHead(304, request.headers).end()
    return
  }
  await sendBytes(request, 200, body, type)
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const publishedVersions = ({ names, olderVersions = [] }: ResourceDefinition) =>
  names.versions.filter((version) => !olderVersions.includes(version))

async function resourcesOf({ resources }: ApiContext) {
  const { REVIEWS } = await import('../auth/authorization/reviews.ts')
  const reviews = REVIEWS.map(({ group, version, kind, resource, namespaced, model }) => ({
    group,
    version,
    kind,
    plural: resource,
    namespaced,
    verbs: ['create'],
    subresources: [],
    model,
  }))
  const served = [...resources.groups().values()].flat().flatMap((definition) =>
    publishedVersions(definition).map((version) => ({
      group: definition.names.group,
      version,
      kind: definition.names.kind,
      plural: definition.names.plural,
      namespaced: definition.names.namespaced,
      verbs: definition.verbs ?? VERBS,
      subresources: subresourcesOf(definition).map(({ name }) => name),
      model: definition.models[version],
      schema: definition.schemas?.[version] as JsonObject | undefined,
    })),
  )
  const binding = { group: '', version: 'v1', kind: 'Binding', plural: 'bindings', namespaced: true, model: 'Binding' }
  return [...served, ...reviews, { ...binding, verbs: ['create'], subresources: [] }]
}
