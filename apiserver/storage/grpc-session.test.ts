/** Against Node's own HTTP/2 server, which shares no code with it. */
import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { EtcdError } from './etcd-error.ts'
import { GrpcSession } from './grpc-session.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

async function openSession(server: net.Server | http2.Http2Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  let session!: GrpcSession
  const closed = new Promise<Error | undefined>((onClose) => {
    session = new GrpcSession(socket, 'etcd.test', { onReady: () => {}, onClose })
  })
  cleanups.push(() => (session.destroy(), server.close()))
  return { session, closed }
}

const framed = (message: Buffer) => {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(message.length, 1)
  return Buffer.concat([header, message])
}

interface Answer {
  messages: Buffer[]
  failure: EtcdError | undefined
}

const call = (session: GrpcSession, message: Buffer, path = '/echo'): Promise<Answer> =>
  new Promise((resolve) => {
    const messages: Buffer[] = []
    session.call(path, framed(message), true, {
      onMessage: (received) => messages.push(Buffer.from(received)),
      onEnd: (failure) => resolve({ messages, failure }),
    })
  })

/** Sends every request back, with a status. */
function echoServer(settings: http2.Settings = {}, status = 0, text = '') {
  const server = http2.createServer({ settings })
  server.on('stream', (stream) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': encodeURIComponent(text) }),
      )
      stream.end(Buffer.concat(chunks))
    })
  })
  return server
}

describe('a session', () => {
  it('answers many calls at once, each with its own answer', async () => {
    const { session } = await openSession(echoServer())
    const texts = Array.from({ length: 200 }, (_, index) => `number ${index}`)
    const answers = await Promise.all(texts.map((text) => call(session, Buffer.from(text))))
    expect(answers.map(({ messages }) => messages.join())).toEqual(texts)
    expect(answers.every(({ failure }) => failure === undefined)).toBe(true)
  })

  it('sends no more than the peer takes, and takes messages of any size', async () => {
    const { session } = await openSession(echoServer({ initialWindowSize: 10_000 }))
    const large = [3_000_000, 0, 70_000, 16_384, 1].map((size, index) => Buffer.alloc(size, index + 65))
    const answers = await Promise.all(large.map((message) => call(session, message)))
    for (const [index, { messages, failure }] of answers.entries()) {
      expect(failure).toBeUndefined()
      expect(messages[0]!.equals(large[index]!)).toBe(true)
    }
  })

  it('tells the status and the message of a failure', async () => {
    const { session } = await openSession(echoServer({}, 11, 'etcdserver: mvcc: größer'))
    const { failure } = await call(session, Buffer.from('x'))
    expect(failure).toMatchObject({ code: 11, message: 'etcdserver: mvcc: größer', sent: true })
  })

  it('begins no more calls than the peer has room for, and all of them in time', async () => {
    let most = 0
    let open = 0
    const server = echoServer({ maxConcurrentStreams: 3 }).on('stream', (stream) => {
      most = Math.max(most, ++open)
      stream.on('close', () => open--)
    })
    const { session } = await openSession(server)
    await call(session, Buffer.from('learns the limit'))
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(session, Buffer.from('x'))))
    expect(answers.filter(({ failure }) => failure)).toEqual([])
    expect(most).toBeLessThanOrEqual(3)
  })

  it('carries a stream of messages until it is cancelled', async () => {
    const server = http2.createServer()
    const cancelled = new Promise<number>((resolve) => {
      server.on('stream', (stream) => {
        stream.on('error', () => {})
        stream.respond({ 'content-type': 'application/grpc' })
        for (const text of ['one', 'two', 'three']) stream.write(framed(Buffer.from(text)))
        stream.on('close', () => resolve(stream.rstCode))
      })
    })
    const { session } = await openSession(server)
    const messages: string[] = []
    const failure = await new Promise<EtcdError | undefined>((resolve) => {
      const stream = session.call('/watch', framed(Buffer.from('go')), false, {
        onMessage(message) {
          messages.push(message.toString())
          if (messages.length === 3) setImmediate(() => stream.cancel())
        },
        onEnd: resolve,
      })
    })
    expect(messages).toEqual(['one', 'two', 'three'])
    expect(failure).toMatchObject({ code: 14 })
    expect(await cancelled).toBe(http2.constants.NGHTTP2_CANCEL)
  })

  it('lets calls that run end when the peer says that it leaves, and begins no others', async () => {
    const server = http2.createServer()
    server.on('stream', (stream) => {
      stream.session!.goaway(0, 2 ** 31 - 1)
      stream.respond({}, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(framed(Buffer.from('last')))
    })
    const { session, closed } = await openSession(server)
    expect((await call(session, Buffer.from('x'))).messages.join()).toBe('last')
    expect(await closed).toBeUndefined()
    expect((await call(session, Buffer.from('x'))).failure).toMatchObject({ code: 14, sent: false })
  })

  it('fails its calls when the connection is lost, or a call when the peer resets it', async () => {
    const server = http2.createServer()
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      if (headers[':path'] === '/reset') stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
      else stream.session!.destroy()
    })
    const { session, closed } = await openSession(server)
    expect((await call(session, Buffer.from('x'), '/reset')).failure).toMatchObject({ code: 14, sent: true })
    expect((await call(session, Buffer.from('x'), '/lose')).failure).toMatchObject({ code: 14, sent: true })
    await closed
  })

  it('has its pings answered', async () => {
    const { session } = await openSession(echoServer())
    await new Promise<void>((resolve) => session.ping(resolve))
  })

  it.each([
    ['something else', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(2))],
    ['headers that are none', Buffer.from('00000101040000000180', 'hex')],
    ['a push', Buffer.from('000004050400000001ffffffff', 'hex')],
    [
      'a frame in the middle of headers',
      Buffer.concat([Buffer.from('000001010000000001', 'hex'), Buffer.from('88000000040000000000', 'hex')]),
    ],
  ])('ends with an error on %s', async (_, bytes) => {
    const server = net.createServer((socket) => void socket.on('error', () => {}).write(bytes))
    const { session, closed } = await openSession(server)
    const { failure } = await call(session, Buffer.from('x'))
    expect(failure).toMatchObject({ code: 14, message: 'the connection to etcd was lost', sent: true })
    expect((await closed)?.message).toMatch(/^Cannot read/)
  })
})
