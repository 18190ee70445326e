/** Does another API server answer? Upstream's checks in upstream's words, and what it says that it serves. */
import { request as httpsRequest } from 'node:https'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { ClusterReader } from '../admission/plugin.ts'
import { endpointsOf, slicesOf } from '../relays/service-address.ts'
import type { RemoteService } from './remote-services.ts'
import { remoteTarget, type ProxyClient } from './remote-target.ts'

export interface Availability {
  status: 'True' | 'False'
  reason: string
  message: string
  /** The APIResourceList that it answered. */
  resources?: unknown
  /** Where its OpenAPI document is, with its hash, when it has one. */
  openapi?: string | undefined
  /** Its OpenAPI v2 document, when it has one. */
  openapiV2?: JsonObject | undefined
}

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 4 * 2 ** 20
const q = JSON.stringify

/** The one who asks may see everything: what is looked for is an answer, not a permission. */
const AGGREGATOR = { username: 'system:kube-aggregator', groups: ['system:masters'] }

export async function checkAvailability(
  reader: ClusterReader,
  remote: RemoteService,
  proxyClient: ProxyClient | undefined,
  stopping: AbortSignal,
): Promise<Availability> {
  const missing = missingEndpoints(reader, remote)
  if (missing) return { status: 'False', ...missing }
  try {
    const { group, version } = remote
    const ask = (path: string) => discover(reader, remote, proxyClient, stopping, path)
    const resources = await ask(`/apis/${group}/${version}`)
    // Servers of before v1.24 have none; that says nothing about the rest of them.
    const index = await ask('/openapi/v3').catch(() => undefined)
    const openapi = openapiOf(index, `apis/${group}/${version}`)
    const document = await ask('/openapi/v2').catch(() => undefined)
    const openapiV2 = isJsonObject(document) ? document : undefined
    return { status: 'True', reason: 'Passed', message: 'all checks passed', resources, openapi, openapiV2 }
  } catch (error) {
    return { status: 'False', reason: 'FailedDiscoveryCheck', message: (error as Error).message }
  }
}

function missingEndpoints(reader: ClusterReader, { spec }: RemoteService): { reason: string; message: string } | undefined {
  const { namespace = '', name = '', port = 443 } = spec.service
  const service = reader.get('Service', { namespace, name })
  const what = `service/${name} in ${q(namespace)}`
  if (!service) return { reason: 'ServiceNotFound', message: `${what} is not present` }
  if (service.spec?.type !== 'ClusterIP') return undefined
  const servicePort = service.spec.ports?.find((one) => one.port === port)
  if (!servicePort) return { reason: 'ServicePortError', message: `${what} is not listening on port ${port}` }
  const slices = slicesOf(reader, namespace, name)
  if (slices.length === 0) return { reason: 'EndpointsNotFound', message: `cannot find endpointslices for ${what}` }
  if (endpointsOf(slices, servicePort.name).length === 0) {
    const message = `endpoints for ${what} have no addresses with port name ${q(servicePort.name ?? '')}`
    return { reason: 'MissingEndpoints', message }
  }
  return undefined
}

function discover(
  reader: ClusterReader,
  remote: RemoteService,
  proxyClient: ProxyClient | undefined,
  stopping: AbortSignal,
  path: string,
): Promise<unknown> {
  const { host, port, tls, headers } = remoteTarget(reader, remote, proxyClient, path, AGGREGATOR)
  const url = `https://${host}:${port}${path}`
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)])
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`failing or missing response from ${url}: ${why}`))
    const outgoing = httpsRequest({
      host,
      port,
      path,
      ...tls,
      agent: false,
      headers: { ...headers, accept: 'application/json' },
      signal,
    })
    outgoing.on('error', (error) =>
      fail(signal.aborted ? `Get ${q(url)}: context deadline exceeded` : `Get ${q(url)}: ${error.message}`),
    )
    outgoing.on('response', (incoming) => {
      const { statusCode = 0 } = incoming
      if (statusCode < 200 || statusCode >= 400) {
        incoming.resume()
        return fail(`bad status from ${url}: ${statusCode}`)
      }
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length <= MAX_ANSWER_BYTES) chunks.push(chunk)
        else outgoing.destroy(new Error('the answer is too large'))
      })
      incoming.on('error', (error) => fail(error.message))
      incoming.on('end', () => resolve(parse(Buffer.concat(chunks).toString())))
    })
    outgoing.end()
  })
}

/** Only a path on the same server, as upstream's index has it. */
function openapiOf(index: unknown, name: string): string | undefined {
  const paths = isJsonObject(index) && isJsonObject(index.paths) ? index.paths : {}
  const entry = Object.hasOwn(paths, name) ? paths[name] : undefined
  const url = isJsonObject(entry) ? entry.serverRelativeURL : undefined
  return typeof url === 'string' && url.startsWith(`/openapi/v3/${name}`) ? url : undefined
}

/** A server that is there but says nothing that we understand is there all the same. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
