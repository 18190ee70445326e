/** The API client that speaks HTTPS: kept-alive connections, credentials on each request, retries only where they are safe. */
import { createSecureContext } from 'node:tls'
import { Agent, type Dispatcher } from 'undici'
import { messageOf } from '../api/error-message.ts'
import { fromStatus, isApiError } from '../api/status.ts'
import { apiVersionOf, kindInfo, type KindName, type Kinds } from '../api/kinds.ts'
import { systemClock, type Clock } from '../component/clock.ts'
import type { ApiClient, List, ListOptions, WatchEvent, WatchOptions } from './api-client.ts'
import type { ClientConfig } from './kubeconfig.ts'
import { resourcePath, withQuery } from './paths.ts'
import { shareAbort } from './shared-abort.ts'
import { createLineDecoder } from './watch.ts'

export interface RestClientOptions {
  userAgent?: string
  /** Connections for everything but watches, which have one each. */
  connections?: number
  clock?: Clock
  /** Hears the text of each `Warning` header. */
  onWarning?: ((text: string) => void) | undefined
}

/** An ApiClient that holds connections. */
export interface RestClient extends ApiClient {
  close(): Promise<void>
}

interface Request {
  method: string
  path: string
  body?: unknown
  contentType?: string | undefined
  accept?: string | undefined
  cause?: string | undefined
  signal?: AbortSignal | undefined
  /** The longest silence in the body; 0 for any. */
  bodyTimeoutMs?: number | undefined
}

type Send = (request: Request, dispatcher?: Dispatcher) => Promise<Dispatcher.ResponseData>

export function createApiClient(config: ClientConfig, options: RestClientOptions = {}): RestClient {
  const agents = createAgents(config, options.connections ?? 32)
  const send = createSender(config, () => agents.current().pool, options)
  let inFlight = 0
  const call = async <T>(request: Request): Promise<T> => {
    inFlight++
    try {
      return await readBody<T>(await send(request))
    } finally {
      inFlight--
    }
  }

  return {
    inFlight: () => inFlight,
    ...createVerbs(call),
    watch: (kind, options) =>
      watch(send, agents.current().watches, resourcePath(kind, options), { ...watchQuery(options) }, options.signal),
    watchPath: (path, { query = {}, accept, signal }) =>
      watch(send, agents.current().watches, path, { ...query, watch: true }, signal, accept),
    raw: (method, path, { body, contentType, query = {}, accept, signal, cause } = {}) =>
      call({ method, path: withQuery(path, query), body, contentType, accept: accept ?? 'application/json, */*', signal, cause }),
    close: () => agents.close(),
  }
}

/**
 * For a lease alone: what else the process asks for never delays its renewal. It gives up an answer in time to ask once more before
 * the deadline.
 */
export const createElectionClient = (config: ClientConfig, component: string, renewDeadlineMs: number): RestClient =>
  createApiClient(
    { ...config, requestTimeoutMs: Math.max(1000, renewDeadlineMs / 2) },
    { userAgent: `${component}/leader-election`, connections: 1 },
  )

function createVerbs(call: <T>(request: Request) => Promise<T>) {
  const verbs: Pick<ApiClient, 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'createSubresource'> = {
    get: (kind, key) => call({ method: 'GET', path: resourcePath(kind, key) }),
    async list(kind, { signal, ...options } = {}) {
      const path = withQuery(resourcePath(kind, { namespace: options.namespace }), listQuery(options))
      return withTypes(kind, await call({ method: 'GET', path, signal }))
    },
    create: (kind, object, { cause, signal } = {}) =>
      call({
        method: 'POST',
        path: resourcePath(kind, { namespace: object.metadata.namespace }),
        body: { ...typeOf(kind), ...object },
        cause,
        signal,
      }),
    update: (kind, object, { cause, signal, subresource } = {}) =>
      call({
        method: 'PUT',
        path: resourcePath(kind, { ...keyParts(object), subresource }),
        body: { ...typeOf(kind), ...object },
        cause,
        signal,
      }),
    patch: (kind, key, patch, { type, subresource, fieldManager, force, cause, signal }) =>
      call({
        method: 'PATCH',
        path: withQuery(resourcePath(kind, { ...key, subresource }), { fieldManager, force }),
        body: patch,
        contentType: type,
        cause,
        signal,
      }),
    async delete(kind, key, { cause, signal, ...body } = {}) {
      const path = resourcePath(kind, key)
      await call({ method: 'DELETE', path, body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body }, cause, signal })
    },
    createSubresource: (kind, key, subresource, body, { cause, signal } = {}) =>
      call({ method: 'POST', path: resourcePath(kind, { ...key, subresource }), body, cause, signal }),
  }
  return verbs
}

const keyParts = ({ metadata: { namespace, name } }: { metadata: { namespace?: string | undefined; name: string } }) => ({
  namespace,
  name,
})

const typeOf = (kind: KindName) => ({ apiVersion: apiVersionOf(kindInfo(kind)), kind })

/** Upstream leaves the type out of the items of a list; everything of ours expects it. */
function withTypes<K extends KindName>(kind: K, list: List<Kinds[K]>): List<Kinds[K]> {
  const type = typeOf(kind)
  list.items ??= []
  for (const item of list.items) {
    item.apiVersion ??= type.apiVersion
    item.kind ??= kind
  }
  return list
}

const listQuery = ({ labelSelector, fieldSelector, resourceVersion, limit, continue: token }: ListOptions) => ({
  labelSelector,
  fieldSelector,
  resourceVersion,
  limit,
  continue: token,
})

const watchQuery = (options: WatchOptions) => ({
  ...listQuery(options),
  watch: true,
  allowWatchBookmarks: options.allowWatchBookmarks,
  timeoutSeconds: options.timeoutSeconds,
})

/** Bookmarks come every minute: a watch that says nothing for longer hangs on a connection that is gone. */
const silentWatchMs = 180_000

async function* watch<T>(
  send: Send,
  dispatcher: Dispatcher,
  path: string,
  query: Record<string, string | number | boolean | undefined>,
  signal?: AbortSignal,
  accept?: string,
): AsyncGenerator<WatchEvent<T>> {
  const bodyTimeoutMs = query['allowWatchBookmarks'] ? silentWatchMs : 0
  const { body } = await send({ method: 'GET', path: withQuery(path, query), signal, accept, bodyTimeoutMs }, dispatcher)
  const decoder = createLineDecoder<WatchEvent<T>>()
  for await (const chunk of body) yield* decoder.push(chunk as Buffer)
  // A line that was cut off is no event: the one who resumes gets it again, since its revision was never seen.
}

interface Agents {
  pool: Agent
  /** A watch holds its connection for minutes: from the pool it would starve everything else. */
  watches: Agent
}

/** The connections of a client. When its certificate is another one, new ones are opened; the old end with what they carry. */
function createAgents(config: ClientConfig, connections: number): { current(): Agents; close(): Promise<void> } {
  const open = (certificate: ClientCertificate): Agents => {
    const own = certificate ? { ...config, ...certificate } : config
    return { pool: createAgent(own, connections), watches: createAgent(own, null) }
  }
  let certificate = config.clientCertificate?.()
  let agents = open(certificate)
  const ending = new Set<Agent>()
  const retire = (agent: Agent) => {
    ending.add(agent)
    // Rejects when it is destroyed meanwhile, by close().
    agent.close().then(
      () => ending.delete(agent),
      () => ending.delete(agent),
    )
  }
  return {
    current() {
      const newest = config.clientCertificate?.()
      if (newest === certificate) return agents
      Object.values(agents).forEach(retire)
      certificate = newest
      return (agents = open(newest))
    },
    async close() {
      await Promise.all([...Object.values(agents), ...ending].map((agent: Agent) => agent.destroy()))
    },
  }
}

type ClientCertificate = ReturnType<NonNullable<ClientConfig['clientCertificate']>>

function createAgent(config: ClientConfig, connections: number | null): Agent {
  return new Agent({
    connections,
    keepAliveTimeout: 30_000,
    // The server gives up on a request after a minute itself.
    headersTimeout: 70_000,
    connect: {
      // Read once: fifty watches are fifty connections.
      secureContext: createSecureContext({ ca: config.ca, cert: config.cert, key: config.key }),
      rejectUnauthorized: !config.insecureSkipTlsVerify,
      ...(config.tlsServerName ? { servername: config.tlsServerName } : {}),
      timeout: 10_000,
    },
  })
}

/** Sends until there is an answer that is not an error; rejects with what the server said, or why it could not be reached. */
function createSender(
  config: ClientConfig,
  pool: () => Dispatcher,
  { clock = systemClock, userAgent = 'kubelab', onWarning }: RestClientOptions,
): Send {
  const base = new URL(config.server)
  const prefix = base.pathname.replace(/\/$/, '')

  const sendOnce = async (request: Request, dispatcher: Dispatcher, rejected: boolean): Promise<Dispatcher.ResponseData> => {
    const headers = requestHeaders(request, userAgent, config, await config.authorization?.(rejected))
    const signal = boundedSignal(request.signal, config.requestTimeoutMs)
    const response = await dispatcher
      .request({
        origin: base.origin,
        method: request.method as Dispatcher.HttpMethod,
        path: prefix + request.path,
        headers,
        body: encode(request.body),
        bodyTimeout: request.bodyTimeoutMs ?? 70_000,
        // undici would close the connection after each DELETE that has a body.
        reset: false,
        ...(signal ? { signal: signal === request.signal ? shareAbort(signal) : signal } : {}),
      })
      .catch((error: unknown) => {
        throw signal?.aborted ? error : unreachable(config.server, error)
      })
    if (onWarning) for (const text of warningsOf(response.headers['warning'])) onWarning(text)
    if (response.statusCode < 400) return response
    throw await toError(response)
  }

  return async (request, dispatcher) => {
    for (let attempt = 1, rejected = false; ; attempt++) {
      try {
        return await sendOnce(request, dispatcher ?? pool(), rejected)
      } catch (error) {
        const again = retryAfterMs(request, error, attempt, rejected || !config.authorization)
        if (again === undefined || request.signal?.aborted) throw error
        rejected = isApiError(error) && error.code === 401
        await clock.sleep(again, request.signal)
      }
    }
  }
}

/** Rejects with a `TimeoutError` when the time is over first. */
function boundedSignal(signal: AbortSignal | undefined, timeoutMs: number | undefined): AbortSignal | undefined {
  if (!timeoutMs) return signal
  const timeout = AbortSignal.timeout(timeoutMs)
  return signal ? AbortSignal.any([signal, timeout]) : timeout
}

const maxAttempts = 10
const maxReconnects = 4

/** Milliseconds to wait before sending again; undefined when the caller must decide. */
function retryAfterMs(request: Request, error: unknown, attempt: number, credentialsAreFinal: boolean): number | undefined {
  if (isApiError(error)) {
    if (error.code === 401) return credentialsAreFinal ? undefined : 0
    const seconds = retryHeader.get(error)
    // The header says that the server did not take the request, whatever its verb.
    return seconds !== undefined && (error.code === 429 || error.code >= 500) && attempt < maxAttempts
      ? seconds * 1000
      : undefined
  }
  if (!(error instanceof UnreachableError) || attempt > maxReconnects) return undefined
  // Refused: nothing was sent. Otherwise the server may have done it already, and only reads may be repeated.
  const safe = error.code === 'ECONNREFUSED' || request.method === 'GET'
  return safe ? 50 * 2 ** (attempt - 1) : undefined
}

/** The server could not be reached, or the connection broke before it answered. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
  /** Node's or undici's: `ECONNREFUSED`, `UND_ERR_SOCKET`. */
  readonly code: string

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause })
    this.code = code
  }
}

function unreachable(server: string, error: unknown): UnreachableError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new UnreachableError(`Cannot reach ${server}: ${messageOf(error)}`, code, error)
}

const retryHeader = new WeakMap<Error, number>()

async function toError(response: Dispatcher.ResponseData): Promise<Error> {
  const text = await response.body.text()
  const error = fromStatus(parseJson(text), response.statusCode)
  const seconds = Number(response.headers['retry-after'])
  if (response.headers['retry-after'] !== undefined && Number.isFinite(seconds)) retryHeader.set(error, seconds)
  return error
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page or upstream's plain text: it is the message.
    return text
  }
}

function requestHeaders(
  { contentType, accept = 'application/json', cause, body }: Request,
  userAgent: string,
  { impersonate }: ClientConfig,
  authorization: string | undefined,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { accept, 'user-agent': userAgent }
  if (authorization) headers['authorization'] = authorization
  if (body !== undefined) headers['content-type'] = contentType ?? 'application/json'
  if (cause) headers['kubelab-cause'] = cause
  if (impersonate) {
    headers['impersonate-user'] = impersonate.user
    if (impersonate.uid) headers['impersonate-uid'] = impersonate.uid
    if (impersonate.groups?.length) headers['impersonate-group'] = impersonate.groups
  }
  return headers
}

function encode(body: unknown): string | Buffer | null {
  if (body === undefined) return null
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
}

async function readBody<T>(response: Dispatcher.ResponseData): Promise<T> {
  const text = await response.body.text()
  const type = String(response.headers['content-type'] ?? '')
  return (type.includes('json') ? JSON.parse(text) : text) as T
}

/** `299 - "text"`, several in one header or in several. */
function warningsOf(header: string | string[] | undefined): string[] {
  if (!header) return []
  return [header]
    .flat()
    .flatMap((value) => [...value.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!.replaceAll(/\\(.)/g, '$1')))
}
