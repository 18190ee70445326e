import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { CLOSE, CommandFailed, ERROR, frame, PROTOCOLS, RESIZE, STDERR, STDIN, STDOUT } from './exec-channels.ts'
import { runExecSession, type Terminal } from './exec-session.ts'

const servers: WebSocketServer[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A server that runs `script` for each connection, and a client connected to it, paused as `openWebSocket` leaves it. */
async function connect(script: (socket: WebSocket) => void, protocols = PROTOCOLS): Promise<WebSocket> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  servers.push(server)
  server.on('connection', script)
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, protocols)
  socket.once('open', () => socket.pause())
  await once(socket, 'open')
  return socket
}

const success = frame(ERROR, '{"status":"Success"}')
const outputs = () => ({ stdout: new PassThrough(), stderr: new PassThrough() })

test('what the command writes comes out where it was written', async () => {
  const socket = await connect((server) => {
    server.send(frame(STDOUT, 'out'))
    server.send(frame(STDERR, 'err'))
    server.send(success)
    server.close(1000)
  })
  const streams = outputs()
  await runExecSession(socket, { stdin: undefined, ...streams })
  expect(await text(streams.stdout.end())).toBe('out')
  expect(await text(streams.stderr.end())).toBe('err')
})

test('standard input goes in, and its end is told', async () => {
  const socket = await connect((server) => {
    let input = ''
    server.on('message', (message: Buffer) => {
      if (message[0] === STDIN) input += message.subarray(1).toString()
      if (message[0] === CLOSE && message[1] === STDIN) {
        server.send(frame(STDOUT, input.toUpperCase()))
        server.send(success)
        server.close(1000)
      }
    })
  })
  const streams = outputs()
  const stdin = new PassThrough()
  stdin.end('hello')
  await runExecSession(socket, { stdin, ...streams })
  expect(await text(streams.stdout.end())).toBe('HELLO')
})

test('a command that fails gives its exit code', async () => {
  const socket = await connect((server) => {
    server.send(
      frame(ERROR, '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"42"}]}}'),
    )
    server.close(1000)
  })
  const ended = runExecSession(socket, { stdin: undefined, ...outputs() })
  await expect(ended).rejects.toMatchObject({ exitCode: 42, message: 'command terminated with exit code 42' })
})

test('a connection that breaks is no success', async () => {
  const socket = await connect((server) => server.terminate())
  await expect(runExecSession(socket, { stdin: undefined, ...outputs() })).rejects.toBeInstanceOf(CommandFailed)
})

test('a terminal is raw while the command runs, and says its size', async () => {
  const states: boolean[] = []
  const terminal: Terminal = {
    size: () => ({ width: 80, height: 24 }),
    onResize: () => () => states.push(false),
    setRaw: (raw) => states.push(raw),
  }
  const socket = await connect((server) => {
    server.on('message', (message: Buffer) => {
      if (message[0] !== RESIZE) return
      server.send(frame(STDOUT, message.subarray(1)))
      server.send(success)
      server.close(1000)
    })
  })
  const streams = outputs()
  await runExecSession(socket, { stdin: undefined, ...streams, terminal })
  expect(await text(streams.stdout.end())).toBe('{"Width":80,"Height":24}')
  expect(states).toEqual([true, false, false])
})
