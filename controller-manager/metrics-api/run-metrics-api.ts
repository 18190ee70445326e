/**
 * The metrics API in the leading controller manager: a server that only the API server may ask, and its registration there. Where
 * another server has registered the API already, that one stays.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { isNotFound } from '../../api/status.ts'
import type { ControllerContext } from '../../client/run-controller.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { untilAborted } from '../../component/until-aborted.ts'
import { answer, group, version, type Source } from './answer.ts'
import { createObserver } from './observe-kubelets.ts'

export interface MetricsApiOptions {
  /** Where API servers reach this process. */
  address: string
  /** 0 takes any free port. */
  port: number
  /** Signs the certificate that API servers show. */
  clientCaFile: string
  clientNames: readonly string[]
}

const service = { namespace: 'kube-system', name: 'metrics' }
const registration = `${version}.${group}`
const retryMs = 5_000

/** Resolves when the signal has aborted and the server is closed. */
export async function runMetricsApi(context: ControllerContext, options: MetricsApiOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, logger } = context
  const tls = await createSelfSigned('metrics', [`${service.name}.${service.namespace}.svc`], [])
  const source: Source = { client, clock, observe: createObserver(client, clock, logger) }
  const server = createServer(
    { ...tls, ca: readFileSync(options.clientCaFile), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    (request, response) => {
      const send = (code: number, body: object) => {
        response.writeHead(code, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject
      // Who asked was judged by the API server; all that matters here is that it is the API server.
      if (!options.clientNames.includes(String(CN)))
        return send(401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401 })
      const url = new URL(request.url ?? '/', 'https://localhost')
      answer(source, request.method ?? 'GET', url).then(
        ({ code, body }) => send(code, body),
        (error: unknown) => {
          logger.warn('cannot answer for metrics', { url: request.url, error: String(error) })
          send(500, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500, message: String(error) })
        },
      )
    },
  )
  server.listen(options.port, options.address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (let registered = false; !registered && !signal.aborted;) {
    try {
      await register(context, options.address, port, tls.cert)
      registered = true
    } catch (error) {
      logger.warn('cannot register the metrics API, trying again', { error: String(error) })
      await clock.sleep(retryMs, signal)
    }
  }
  await untilAborted(signal)
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

async function register({ client, logger }: ControllerContext, address: string, port: number, cert: string): Promise<void> {
  const present = await client.get('APIService', { name: registration }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  const other = present?.spec?.service
  if (other && (other.name !== service.name || other.namespace !== service.namespace)) {
    logger.info('the metrics API is served by another', { service: `${other.namespace}/${other.name}` })
    return
  }
  for (const object of objectsFor(address, port, cert)) {
    await client.patch(object.kind as KindName, object.metadata, object, {
      type: 'application/apply-patch+yaml',
      fieldManager: 'metrics-api',
      force: true,
    })
  }
}

type Applied = KubeObject & Record<string, unknown>

/** A service that is one address, and the registration with the one certificate to expect there. */
function objectsFor(address: string, port: number, cert: string): Applied[] {
  const slice = {
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }
  const labels = { 'kubernetes.io/service-name': service.name, 'endpointslice.kubernetes.io/managed-by': 'metrics-api' }
  const caBundle = Buffer.from(cert).toString('base64')
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { ports: [{ name: 'https', port: 443, targetPort: port, protocol: 'TCP' }] },
    },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { ...service, labels }, ...slice },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: registration },
      spec: { group, version, service, groupPriorityMinimum: 100, versionPriority: 100, caBundle },
    },
  ] as unknown as Applied[]
}
