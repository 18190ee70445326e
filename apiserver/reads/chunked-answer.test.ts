import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
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

it('leaves nothing behind on the connection, and says when a client that was slow reads on', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const connection: Socket[] = []
  const drained: number[] = []
  const slow = createServer((_, response) => {
    response.writeHead(200)
    const answer = beginChunks(response)
    connection.push(response.socket!)
    answer.on('drain', () => {
      drained.push(connection.length)
      answer.end()
    })
    while (answer.write(pieces[1]!));
  }).listen(0, '127.0.0.1')
  await once(slow, 'listening')
  const before: number[] = []
  for (let round = 1; round <= 2; round++) {
    const [incoming] = (await once(request({ port: (slow.address() as AddressInfo).port, agent }).end(), 'response')) as [
      IncomingMessage,
    ]
    await incoming.toArray()
    before.push(connection[0]!.listenerCount('drain'))
  }
  expect(drained).toEqual([1, 2])
  expect(connection[0]).toBe(connection[1])
  expect(before[1]).toBe(before[0])
  agent.destroy()
  slow.close()
})

it('writes no more to a client that has ended its side', async () => {
  const closed: string[] = []
  const watched = createServer((_, response) => {
    response.writeHead(200)
    const answer = beginChunks(response)
    response.socket!.on('error', (error) => closed.push(error.message))
    response.socket!.on('finish', () => closed.push(String(answer.write(pieces[0]!))))
    answer.on('close', () => closed.push('closed'))
    answer.write(pieces[0]!)
  }).listen(0, '127.0.0.1')
  await once(watched, 'listening')
  const socket = connect((watched.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  socket.end()
  await once(socket, 'close')
  expect(closed).toEqual(['false', 'closed'])
  watched.close()
})
