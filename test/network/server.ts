/**
 * What the pods of these tests run: says its name by HTTP, echoes over WebSocket on the same port, and answers gRPC on another.
 * A name that is asked for in the path (`/resolve/NAME`) is resolved as this pod does it; `/fetch/HOST:PORT` is fetched from here.
 * When told to end it goes on for as long as whoever routes to it may not know yet.
 */
import { lookup } from 'node:dns/promises'
import { createServer, get } from 'node:http'
import { hostname } from 'node:os'
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js'
import { WebSocketServer } from 'ws'

const HTTP_PORT = 8080
const GRPC_PORT = 9090
const DRAIN_MS = 2_000

const asIs = (bytes: Buffer) => bytes
export const echoService: ServiceDefinition = {
  say: {
    path: '/test.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
}

const fetchText = (address: string): Promise<string> =>
  new Promise((resolve) => {
    const call = get(`http://${address}/`, { agent: false, timeout: 1_000 }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(text))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve('failed'))
  })

async function answer(path: string): Promise<string> {
  const [, verb, argument = ''] = path.split('/').map(decodeURIComponent)
  if (verb === 'resolve') {
    return lookup(argument, { all: true, family: 4 }).then(
      (found) =>
        found
          .map(({ address }) => address)
          .toSorted()
          .join(),
      (error: NodeJS.ErrnoException) => error.code ?? 'failed',
    )
  }
  return verb === 'fetch' ? fetchText(argument) : hostname()
}

if (import.meta.main) {
  const http = createServer((request, response) => void answer(request.url ?? '/').then((text) => response.end(text)))
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    socket.on('message', (message) => socket.send(`${hostname()} ${String(message)}`))
  })
  http.listen(HTTP_PORT)
  const grpc = new Server()
  grpc.addService(echoService, {
    say: (call: { request: Buffer }, done: (error: null, bytes: Buffer) => void) =>
      done(null, Buffer.from(`${hostname()} ${call.request.toString()}`)),
  })
  grpc.bindAsync(`0.0.0.0:${GRPC_PORT}`, ServerCredentials.createInsecure(), () => {})
  process.on('SIGTERM', () => setTimeout(() => process.exit(0), DRAIN_MS))
}
