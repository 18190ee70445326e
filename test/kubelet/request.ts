/** Asks the kubelet's server as the API server does: with its client certificate, over plain HTTPS or a WebSocket. */
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import WebSocket from 'ws'
import type { TestKubelet } from './test-kubelet.ts'

export interface Answer {
  status: number
  body: string
}

export interface GetOptions {
  anonymous?: boolean
  /** The first of the body is here: whatever follows it will be, too. */
  onBody?: () => void
}

export function get({ running, credentials }: TestKubelet, path: string, options: GetOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const own = options.anonymous ? {} : credentials
    const call = request(
      { host: '127.0.0.1', port: running().server.port, path, rejectUnauthorized: false, agent: false, ...own },
      (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
        if (options.onBody) response.once('data', options.onBody)
      },
    )
    call.on('error', reject)
    call.end()
  })
}

export interface ExecResult {
  stdout: string
  stderr: string
  /** The Status that ends it. */
  error: string
}

/**
 * Runs to the end; `input` is sent and standard input closed, which no one does at a terminal: there `then` is typed once the
 * command has said so much.
 */
export function exec(
  { running, credentials }: TestKubelet,
  path: string,
  protocol: string,
  input?: string,
  then?: { seen: string; input: string },
): Promise<ExecResult> {
  const url = `wss://127.0.0.1:${running().server.port}${path}`
  const socket = new WebSocket(url, [protocol], { rejectUnauthorized: false, ...credentials })
  const channels: Buffer[][] = [[], [], [], []]
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      if (input === undefined) return
      socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(input)]))
      if (!path.includes('tty=1')) socket.send(Buffer.from([255, 0]))
    })
    let awaited = then
    socket.on('message', (data: Buffer) => {
      channels[data[0]!]?.push(data.subarray(1))
      if (!awaited || !Buffer.concat(channels[1]!).includes(awaited.seen)) return
      socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(awaited.input)]))
      awaited = undefined
    })
    socket.on('error', reject)
    socket.on('close', () => {
      const [, stdout, stderr, error] = channels.map((parts) => Buffer.concat(parts).toString())
      resolve({ stdout: stdout!, stderr: stderr!, error: error! })
    })
  })
}
