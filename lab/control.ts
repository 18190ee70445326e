/** How the `kubelab` command talks to a lab's supervisor: a small HTTP interface on a Unix socket that only root can open. */
import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { messageOf } from '../api/error-message.ts'
import { labPaths } from './definition.ts'
import type { ProcessSpec } from './processes.ts'
import type { RenewalOutcome } from './renewal.ts'
import type { ProcessState } from './kept-process.ts'

export interface Step {
  name: string
  /** Milliseconds since the supervisor began. */
  atMs: number
}

export interface LabStatus {
  name: string
  phase: 'starting' | 'running' | 'stopping'
  steps: Step[]
  processes: ProcessState[]
  /** What the lab was made without: where each would run, and how. */
  leftOut: ProcessSpec[]
  nodes: { name: string; address: string; power: 'on' | 'off' }[]
}

/** What the supervisor offers. */
export interface ControlTarget {
  status(): LabStatus
  /** Each step as it is done, those before first; ends when the lab runs. Rejects when it cannot start. */
  progress(onStep: (step: Step) => void): Promise<void>
  stopNode(node: string): Promise<void>
  startNode(node: string): Promise<void>
  /** Switches another node on, which joins the cluster by a bootstrap token. */
  addNode(node: string): Promise<void>
  /** The names of certificates to make anew; empty for all. Authorities are kept. */
  renewCertificates(names: readonly string[]): Promise<RenewalOutcome>
  stop(): Promise<void>
}

export async function serveControl(lab: string, target: ControlTarget): Promise<Server> {
  const socket = labPaths(lab).controlSocket
  await rm(socket, { force: true })
  const server = createServer((request_, response) => {
    const [, first, node, verb] = (request_.url ?? '').split('/')
    const fail = (error: unknown) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(`${JSON.stringify({ error: messageOf(error) })}\n`)
    }
    const done = () => void response.end('{}\n')
    if (request_.method === 'GET' && first === 'status') response.end(`${JSON.stringify(target.status())}\n`)
    else if (request_.method === 'GET' && first === 'progress') {
      response.writeHead(200)
      target.progress((step) => void response.write(`${JSON.stringify(step)}\n`)).then(() => void response.end(), fail)
    } else if (request_.method === 'POST' && first === 'nodes' && node && verb === 'stop') target.stopNode(node).then(done, fail)
    else if (request_.method === 'POST' && first === 'nodes' && node && verb === 'start') target.startNode(node).then(done, fail)
    else if (request_.method === 'POST' && first === 'nodes' && node && verb === 'add') target.addNode(node).then(done, fail)
    else if (request_.method === 'POST' && first === 'certificates') {
      const names = (node ?? '').split(',').filter(Boolean).map(decodeURIComponent)
      target.renewCertificates(names).then((outcome) => void response.end(`${JSON.stringify(outcome)}\n`), fail)
    } else if (request_.method === 'POST' && first === 'stop') target.stop().then(done, fail)
    else response.writeHead(404).end()
  })
  server.listen(socket)
  await once(server, 'listening')
  await chmod(socket, 0o600)
  return server
}

/** The failure of a call to a supervisor that does not run. */
export const isNobodyThere = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}

/** One call; `onLine` hears of each line as it comes. Rejects with what `isNobodyThere` knows when no supervisor runs. */
export function callControl(
  lab: string,
  method: string,
  path: string,
  onLine?: (line: unknown) => void,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: labPaths(lab).controlSocket, method, path, ...(signal && { signal }) }, (response) => {
      let rest = ''
      let last: unknown
      const take = (line: string) => {
        if (!line) return
        last = JSON.parse(line)
        if (!(last as { error?: string }).error) onLine?.(last)
      }
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        lines.forEach(take)
      })
      response.on('end', () => {
        const failure = (last as { error?: string } | undefined)?.error
        if (failure) reject(new Error(failure))
        else resolve(last)
      })
      response.on('error', reject)
    })
    call.on('error', reject)
    call.end()
  })
}

const fetchStatus = (lab: string) => callControl(lab, 'GET', '/status') as Promise<LabStatus>

/** Null when no supervisor answers. */
export const findStatus = (lab: string): Promise<LabStatus | null> =>
  fetchStatus(lab).catch((error: unknown) => {
    if (isNobodyThere(error)) return null
    throw error
  })
