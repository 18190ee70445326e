/** log, exec, attach and portforward: asked of the API server, answered by the kubelet of the pod's node. */
import type { Pod } from '../../api/generated/types.ts'
import { ApiError, badRequest, notFound, serviceUnavailable, unclassified } from '../../api/status.ts'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, Endpoint, ResourceRequest } from '../api-context.ts'
import { authorizeCreate } from '../auth/authorization/authorize-create.ts'
import { kubeletAddressOf } from '../relays/kubelet-transport.ts'
import { relay, whyUnreachable, type Target } from '../relays/relay.ts'
import { isWebSocket, sendStream } from '../answers/web-socket-stream.ts'
import { existing } from './get.ts'

export const exec = streaming('exec', true)
export const attach = streaming('attach', true)
export const portForward = streaming('portForward', false)

function streaming(command: 'exec' | 'attach' | 'portForward', ofContainer: boolean): Endpoint {
  return async (context, request) => {
    // A WebSocket begins with a GET, and who may only read must not run commands.
    if (request.info.verb !== 'create') authorizeCreate(context, request)
    const pod = await podOf(context, request)
    const { name, namespace = '' } = pod.metadata
    if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`)
    const container = ofContainer ? containerOf(pod, request.info.query.get('container')) : ''
    await admitConnect(context, request)
    const path = `/${[command, namespace, name, container]
      .filter((part) => part !== '')
      .map(encodeURIComponent)
      .join('/')}`
    const query = command === 'portForward' ? portsOf(request) : streamsOf(request)
    await relay(request, targetOf(context, pod.spec.nodeName, `${path}?${query}`))
  }
}

/** Upstream's kubelet has short names for the streams. */
function streamsOf({ info: { query } }: ResourceRequest): URLSearchParams {
  const passed = new URLSearchParams()
  for (const [from, to] of Object.entries({ stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' }))
    if (isTrue(query.get(from))) passed.set(to, '1')
  for (const word of query.getAll('command')) passed.append('command', word)
  return passed
}

const isTrue = (value: string | null) => value !== null && value !== 'false' && value !== '0'

const portsOf = ({ info: { query } }: ResourceRequest) =>
  new URLSearchParams(
    query
      .getAll('ports')
      .flatMap((ports) => ports.split(','))
      .map((port): [string, string] => ['port', port]),
  )

const LOG_OPTIONS = ['follow', 'limitBytes', 'previous', 'sinceSeconds', 'sinceTime', 'stream', 'tailLines', 'timestamps']

export async function log(context: ApiContext, request: ResourceRequest): Promise<void> {
  const pod = await podOf(context, request)
  const { query } = request.info
  const container = containerOf(pod, query.get('container'))
  const { name, namespace = '' } = pod.metadata
  if (!pod.spec?.nodeName) {
    // Nothing has run, so nothing was said.
    request.response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 0 }).end()
    return
  }
  const passed = new URLSearchParams(
    LOG_OPTIONS.flatMap((option) => query.getAll(option).map((value): [string, string] => [option, value])),
  )
  const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join('/')}?${passed}`
  await streamLog(request, targetOf(context, pod.spec.nodeName, path))
}

/** The kubelet complains in plain text, clients expect a Status. */
function streamLog(request: ResourceRequest, target: Target): Promise<void> {
  const { raw, response } = request
  const { host, port, path, tls } = target
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({ host, port, path, agent: false, ...tls }, (incoming) => {
      if (incoming.statusCode !== 200) return void refusalOf(incoming).then(reject, reject)
      if (isWebSocket(raw)) return void sendStream(request, incoming).then(resolve, reject)
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache, private' })
      response.flushHeaders()
      incoming.pipe(response)
      incoming.on('error', () => response.destroy())
      incoming.on('end', () => resolve())
    })
    const url = `https://${host}:${port}${path.replace(/\?$/, '')}`
    outgoing.on('error', (error) => reject(unclassified(`Get "${url}": ${whyUnreachable(error, target)}`)))
    response.on('close', () => {
      outgoing.destroy()
      resolve()
    })
    outgoing.end()
  })
}

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  503: 'ServiceUnavailable',
}

const MAX_REFUSAL = 10_000

async function refusalOf(incoming: IncomingMessage): Promise<ApiError> {
  let text = ''
  for await (const chunk of incoming) {
    text += String(chunk)
    // A kubelet that was taken over may go on for ever.
    if (text.length > MAX_REFUSAL) break
  }
  text = text.slice(0, MAX_REFUSAL)
  const code = incoming.statusCode ?? 500
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text.trim() || `the server responded with the status code ${code}`,
    reason: REASONS[code] ?? 'InternalError',
    code,
  })
}

async function podOf(context: ApiContext, request: ResourceRequest): Promise<Pod> {
  await context.store.current()
  return existing(context, request).object() as Pod
}

/** The one that was named, the annotated default, the only one; else 400 with the choice. */
function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const names = (spec?.containers ?? []).map(({ name }) => name)
  const inits = (spec?.initContainers ?? []).map(({ name }) => name)
  const ephemeral = (spec?.ephemeralContainers ?? []).map(({ name }) => name)
  const known = [...names, ...inits, ...ephemeral]
  if (asked) {
    if (!known.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
    return asked
  }
  const preferred = metadata.annotations?.['kubectl.kubernetes.io/default-container']
  if (preferred && known.includes(preferred)) return preferred
  if (names.length === 1) return names[0]!
  const choice = `choose one of: [${names.join(' ')}]`
  const others = inits.length > 0 ? ` or one of the init containers: [${inits.join(' ')}]` : ''
  throw badRequest(`a container name must be specified for pod ${metadata.name}, ${choice}${others}`)
}

export function targetOf(context: ApiContext, nodeName: string, path: string): Target {
  const node = context.admission.reader.get('Node', { name: nodeName })
  if (!node) throw notFound('', 'nodes', nodeName)
  if (!context.kubelets) throw serviceUnavailable('this server has no credentials for kubelets: see --kubelet-client-certificate')
  return { ...kubeletAddressOf(node), path, tls: context.kubelets.tls }
}

export async function admitConnect(context: ApiContext, request: ResourceRequest): Promise<void> {
  const admission = createAdmission(context, admissionAttributes(request, 'CONNECT', false, undefined, undefined))
  await admission.admit()
  await admission.validate()
}
