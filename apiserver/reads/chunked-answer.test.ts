import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginChunks } from './chunked-answer.ts'

const pieces = ['{"a":1}\n', 'ü'.repeat(70_000), '\n'].map((text) => Buffer.from(text))

/** Answers the pieces, on one connection as often as it is asked. */
const server = createServer((_, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  const answer = beginChunks(response)
  for (const piece of pieces) answer.write(piece)
  answer.end()
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => void server.close())

const port = () => (server.address() as AddressInfo).port

it('reads as what was written, and leaves the connection fit for the next request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const [incoming] = (await once(request({ port: port(), agent }).end(), 'response')) as [IncomingMessage]
    expect(incoming.headers['transfer-encoding']).toBe('chunked')
    ports.add(incoming.socket.localPort ?? 0)
    expect(Buffer.concat(await incoming.toArray()).equals(Buffer.concat(pieces))).toBe(true)
  }
  expect(ports.size).toBe(1)
  agent.destroy()
})

it('is plain for a client that knows no chunks, and ends with the connection', async () => {
  const socket = connect(port(), '127.0.0.1')
  socket.write('GET / HTTP/1.0\r\n\r\n')
  const text = Buffer.concat(await socket.toArray()).toString()
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(Buffer.concat(pieces).toString())
})
