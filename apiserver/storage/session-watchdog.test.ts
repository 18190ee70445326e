import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as net from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createTestClock } from '../../component/clock.ts'
import { GrpcSession } from './grpc-session.ts'
import { SessionWatchdog } from './session-watchdog.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

/** A session with one stream that waits. */
async function openSession(server: net.Server | http2.Http2Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const session = new GrpcSession(socket, 'etcd.test', { onReady: () => {}, onClose: () => {} })
  const ended = new Promise((onEnd) => session.call('/', Buffer.alloc(5), true, { onMessage: () => {}, onEnd }))
  cleanups.push(() => (session.destroy(), server.close()))
  return { session, ended }
}

/** A peer that takes connections and everything sent on them, and never says a word. */
function silentServer(): net.Server {
  return net.createServer((socket) => {
    cleanups.push(() => socket.destroy())
    socket.on('error', () => {}).resume()
  })
}

it('takes calls that were given up for silence, not for answers', async () => {
  const clock = createTestClock()
  const { session, ended } = await openSession(silentServer())
  const watchdog = new SessionWatchdog(session, clock)
  for (let call = 0; call < 5; call++) {
    watchdog.callStarted()
    await clock.advance(400)
    watchdog.callEnded(false)
  }
  await clock.advance(1_500)
  await ended
  expect(session.destroyed).toBe(true)
})

it('leaves a session alone whose peer answers pings, however long a call takes', async () => {
  const clock = createTestClock()
  const server = http2.createServer()
  const asked = new Promise<void>((resolve) => server.on('session', (peer) => peer.once('ping', () => resolve())))
  const { session } = await openSession(server)
  const watchdog = new SessionWatchdog(session, clock)
  watchdog.callStarted()
  await clock.advance(500)
  await asked
  // The answer was sent before this ping's, so it has come when this one has.
  await new Promise<void>((resolve) => session.ping(resolve))
  await clock.advance(1_600)
  expect(session.destroyed).toBe(false)
})
