/** Carries out one probe or hook action against a container: exec, HTTP, TCP or gRPC. Answers why it failed, or null. */
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Container, ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction } from '../../api/generated/types.ts'
import { dialError } from '../../component/dial-error.ts'
import { type Cri, isDeadlineExceeded, runtimeMessage } from '../runtime/cri-client.ts'

export interface ProbeTarget {
  container: Container
  containerId: string
  podIp: string
  cri: Cri
}

export interface ProbeHandler {
  exec?: ExecAction | undefined
  httpGet?: HTTPGetAction | undefined
  tcpSocket?: TCPSocketAction | undefined
  grpc?: GRPCAction | undefined
}

const maxOutput = 10_240

export function runProbe(handler: ProbeHandler, target: ProbeTarget, timeoutMs: number): Promise<string | null> {
  if (handler.exec) return probeExec(handler.exec, target, timeoutMs)
  if (handler.httpGet) return probeHttp(handler.httpGet, target, timeoutMs)
  if (handler.tcpSocket) return probeTcp(handler.tcpSocket, target, timeoutMs)
  if (handler.grpc) return probeGrpc(handler.grpc, target, timeoutMs)
  return Promise.resolve('missing probe handler')
}

async function probeExec(
  { command = [] }: ExecAction,
  { cri, containerId }: ProbeTarget,
  timeoutMs: number,
): Promise<string | null> {
  const seconds = Math.ceil(timeoutMs / 1000)
  try {
    const answer = await cri.call('ExecSync', { containerId, cmd: command, timeout: seconds }, { timeoutMs: timeoutMs + 5000 })
    if (answer.exitCode === 0) return null
    return Buffer.concat([answer.stdout, answer.stderr]).subarray(0, maxOutput).toString()
  } catch (error) {
    if (isDeadlineExceeded(error)) return `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${seconds}s`
    return runtimeMessage(error)
  }
}

export function resolvePort(port: number | string, { ports = [] }: Container): number {
  const number = typeof port === 'number' ? port : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port))
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`invalid port number: ${port}`)
  return number
}

function probeHttp(
  { host, path = '/', port, scheme = 'HTTP', httpHeaders = [] }: HTTPGetAction,
  target: ProbeTarget,
  timeoutMs: number,
) {
  const address = host || target.podIp
  const number = resolvePort(port, target.container)
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*' }
  for (const { name, value } of httpHeaders) headers[name.toLowerCase()] = value
  const url = `${scheme.toLowerCase()}://${address.includes(':') ? `[${address}]` : address}:${number}${path.startsWith('/') ? path : `/${path}`}`
  return get(url, headers, Date.now() + timeoutMs, maxRedirects)
}

const maxRedirects = 10

/** The container's certificate is not checked, as upstream: it answers for itself. */
function get(url: string, headers: Record<string, string>, deadlineMs: number, redirects: number): Promise<string | null> {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    // The path as the pod's author wrote it: a URL would have it changed.
    const path = /^[^/]*\/\/[^/]*(\/.*)$/.exec(url)?.[1] ?? '/'
    const options = { host, port: Number(port) || (protocol === 'https:' ? 443 : 80), path, headers, agent: false as const }
    const request = protocol === 'https:' ? https.get({ ...options, rejectUnauthorized: false }) : http.get(options)
    const timer = setTimeout(
      () => {
        resolve(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)
        request.destroy()
      },
      Math.max(0, deadlineMs - Date.now()),
    )
    const done = (answer: string | null) => {
      clearTimeout(timer)
      resolve(answer)
    }
    request.on('response', (response) => {
      const code = response.statusCode ?? 0
      const next = redirectOf(url, code, response.headers.location)
      response.resume()
      response.destroy()
      if (next && redirects === 0) return done(`Get "${next}": stopped after ${maxRedirects} redirects`)
      if (next) {
        clearTimeout(timer)
        return resolve(get(next, headers, deadlineMs, redirects - 1))
      }
      done(code >= 200 && code < 400 ? null : `HTTP probe failed with statuscode: ${code}`)
    })
    request.on('error', (error: NodeJS.ErrnoException) => done(`Get "${url}": ${dialText(error, options.host, options.port)}`))
  })
}

/** A server that sends the probe elsewhere on itself is asked there; one that sends it away is well, as upstream. */
function redirectOf(url: string, code: number, location: string | undefined): string | undefined {
  if (![301, 302, 303, 307, 308].includes(code) || !location || !URL.canParse(location, url)) return undefined
  const next = new URL(location, url)
  return next.hostname === new URL(url).hostname ? next.href : undefined
}

function probeTcp({ host, port }: TCPSocketAction, target: ProbeTarget, timeoutMs: number): Promise<string | null> {
  const address = host || target.podIp
  const number = resolvePort(port, target.container)
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port: number })
    const done = (answer: string | null) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => done(`dial tcp ${address}:${number}: i/o timeout`), timeoutMs)
    socket.on('connect', () => done(null))
    socket.on('error', (error: NodeJS.ErrnoException) => done(dialText(error, address, number)))
  })
}

const dialText = (error: NodeJS.ErrnoException, host: string, port: number): string => {
  if (error.code === 'ECONNRESET' && error.syscall) return `dial tcp ${host}:${port}: read: connection reset by peer`
  return dialError(error, host, port) ?? (error.message === 'socket hang up' ? 'EOF' : error.message)
}

const serving = 1

/** grpc.health.v1.Health/Check, whose two messages are small enough to write by hand. */
function probeGrpc({ port, service = '' }: GRPCAction, target: ProbeTarget, timeoutMs: number): Promise<string | null> {
  const client = new Client(`${target.podIp}:${port}`, credentials.createInsecure())
  const name = Buffer.from(service)
  const request = service ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0)
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, answer) => {
        client.close()
        if (error)
          resolve(
            isDeadlineExceeded(error)
              ? `timeout: failed to connect service "${target.podIp}:${port}" within ${timeoutMs / 1000}s`
              : `error: ${runtimeMessage(error)}`,
          )
        // HealthCheckResponse.status is field 1, a varint.
        else
          resolve(
            answer?.[1] === serving
              ? null
              : `service unhealthy (responded with "${answer?.[1] === 2 ? 'NOT_SERVING' : 'UNKNOWN'}")`,
          )
      },
    )
  })
}
