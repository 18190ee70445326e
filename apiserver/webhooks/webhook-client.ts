/**
 * Calls webhooks: one POST of a review, over TLS that checks the configuration's own authority, on connections that are kept.
 *
 * A service is resolved to an endpoint for each call, so that a pod that is gone is not asked for longer than it is listed.
 */
import { Agent, request as httpsRequest } from 'node:https'
import { messageOf } from '../../api/error-message.ts'
import type { AdmissionregistrationWebhookClientConfig } from '../../api/generated/types.ts'
import { fromStatus } from '../../api/status.ts'
import { dialError } from '../../component/dial-error.ts'
import type { ClusterReader } from '../admission/plugin.ts'
import { resolveService } from '../relays/service-address.ts'

export type WebhookClientConfig = AdmissionregistrationWebhookClientConfig

export interface WebhookClient {
  /** The answer's JSON. Rejects with what went wrong in upstream's words, without the webhook's name. */
  post(config: WebhookClientConfig, body: unknown, timeoutSeconds?: number): Promise<unknown>
  /** Ends every connection. */
  close(): void
}

/** As upstream keeps so many clients: the one that was not used for longest goes. */
const MAX_TARGETS = 200
const MAX_CONNECTIONS = 64
const MAX_IDLE = 8
/** As Go's transport: a connection that nobody used for so long is closed. */
const IDLE_MS = 90_000
/** More than that is no answer to one review. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20
/** What a call without a time limit of its own gets: upstream's conversion webhooks. */
const DEFAULT_TIMEOUT_SECONDS = 30

interface Target {
  /** As messages name it. */
  url: URL
  host: string
  port: number
  servername: string
}

export function createWebhookClient(reader: ClusterReader): WebhookClient {
  const agents = new Map<string, Agent>()

  /** In the order of their last use. */
  const agentFor = (target: Target, caBundle: string | undefined): Agent => {
    const key = `${target.servername}:${target.url.port} ${caBundle ?? ''}`
    const agent = agents.get(key) ?? createAgent(caBundle)
    agents.delete(key)
    agents.set(key, agent)
    if (agents.size > MAX_TARGETS) {
      const [oldest] = agents.entries()
      retire(oldest![1])
      agents.delete(oldest![0])
    }
    return agent
  }

  return {
    async post(config, body, timeoutSeconds) {
      const target = targetOf(reader, config, timeoutSeconds)
      const agent = agentFor(target, config.caBundle)
      const bytes = Buffer.from(JSON.stringify(body))
      const signal = AbortSignal.timeout((timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000)
      for (;;) {
        try {
          return await send(target, agent, bytes, signal)
        } catch (error) {
          // The other side may close a kept connection at the moment that we use it again: nothing was answered, so ask anew.
          if (error instanceof StaleConnection && !signal.aborted) continue
          throw error
        }
      }
    },
    close() {
      for (const agent of agents.values()) agent.destroy()
      agents.clear()
    },
  }
}

const createAgent = (caBundle: string | undefined) =>
  new Agent({
    keepAlive: true,
    maxSockets: MAX_CONNECTIONS,
    maxFreeSockets: MAX_IDLE,
    timeout: IDLE_MS,
    ...(caBundle && { ca: Buffer.from(caBundle, 'base64') }),
  })

/** Calls at work go on; their connections end with them, idle ones now. */
function retire(agent: Agent): void {
  ;(agent as Agent & { keepAlive: boolean }).keepAlive = false
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

function targetOf(reader: ClusterReader, { url, service }: WebhookClientConfig, timeoutSeconds: number | undefined): Target {
  const query = timeoutSeconds === undefined ? '' : `?timeout=${timeoutSeconds}s`
  if (service) {
    const { namespace, name, path = '', port = 443 } = service
    const servername = `${name}.${namespace}.svc`
    const named = new URL(`https://${servername}:${port}${path.startsWith('/') ? '' : '/'}${path}${query}`)
    try {
      return { url: named, servername, ...resolveService(reader, namespace, name, port) }
    } catch (error) {
      throw new Error(`failed to call webhook: Post ${JSON.stringify(textOf(named, port))}: ${messageOf(error)}`)
    }
  }
  const named = new URL(`${url}${query}`)
  const host = named.hostname.replace(/^\[|\]$/g, '')
  return { url: named, servername: host, host, port: Number(named.port || 443) }
}

/** URL leaves out the port of its scheme, which upstream always names for a service. */
const textOf = (url: URL, port: number) => `https://${url.hostname}:${port}${url.pathname}${url.search}`

class StaleConnection extends Error {}

/** Go's words for what clients and tests look for. */
function wordsFor(error: Error & { code?: string }, { host, port }: Target, signal: AbortSignal): string {
  if (signal.aborted) return 'context deadline exceeded'
  const refused = dialError(error, host, port)
  if (refused) return refused
  if (error.code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`
  if (error.code === 'ECONNRESET') return 'EOF'
  if (error.code?.startsWith('ERR_TLS') || /certificate|CERT/.test(`${error.code} ${error.message}`))
    return `tls: failed to verify certificate: x509: ${error.message}`
  return error.message
}

function send(target: Target, agent: Agent, bytes: Buffer, signal: AbortSignal): Promise<unknown> {
  const { host, port, servername, url } = target
  const isAddress = /^[\d.]+$|:/.test(servername)
  return new Promise((resolve, reject) => {
    let answered = false
    const fail = (error: Error & { code?: string }) => {
      if (outgoing.reusedSocket && !answered && error.code === 'ECONNRESET') return reject(new StaleConnection(error.message))
      const where = JSON.stringify(textOf(url, Number(url.port || 443)))
      reject(new Error(`failed to call webhook: Post ${where}: ${wordsFor(error, target, signal)}`))
    }
    const outgoing = httpsRequest({
      method: 'POST',
      host,
      port,
      path: url.pathname + url.search,
      // An address is checked as one; it has no place in the handshake.
      ...(!isAddress && { servername }),
      agent,
      signal,
      headers: {
        host: url.host,
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'content-length': bytes.length,
        'user-agent': 'kube-apiserver-admission',
      },
    })
    outgoing.on('error', fail)
    outgoing.on('response', (incoming) => {
      answered = true
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_ANSWER_BYTES) outgoing.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      incoming.on('error', fail)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const code = incoming.statusCode ?? 500
        const json = parse(text)
        if (code < 200 || code > 299) {
          reject(new Error(`failed to call webhook: ${fromStatus(json ?? text, code).message}`))
        } else if (json === undefined) {
          reject(new Error('failed to call webhook: the server answered with something that is no JSON'))
        } else resolve(json)
      })
    })
    outgoing.end(bytes)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
