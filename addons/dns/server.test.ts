import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { EndpointSlice, Namespace, Service } from '../../api/generated/types.ts'
import { createTestClock, systemClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { createForwarder } from './forward.ts'
import type { Responder } from './respond.ts'
import { type DnsServer, serveDns } from './server.ts'

const many = Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.244.1.${index + 1}`] }))
const headless = { metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None' } } as Service
const responder: Responder = {
  domain: 'cluster.local',
  ttl: 5,
  forward: null,
  cluster: {
    service: (_, name) => (name === 'db' ? headless : undefined),
    namespace: (name) => ({ metadata: { name } }) as Namespace,
    slices: () => [{ addressType: 'IPv4', endpoints: many } as unknown as EndpointSlice],
    serviceByAddress: () => undefined,
    slicesByAddress: () => [],
  },
}

const servers: DnsServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})
async function start(changes: Partial<Responder> = {}) {
  const server = await serveDns({ ...responder, ...changes }, { address: '127.0.0.1', port: 0, logger: silentLogger })
  servers.push(server)
  return server.port
}

const question = (name: string, additionals: Packet['additionals'] = []) =>
  encode({ type: 'query', id: 7, flags: RECURSION_DESIRED, questions: [{ type: 'A', name }], additionals })

function overUdp(port: number, message: Buffer): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.once('message', (bytes) => {
      socket.close()
      resolve(decode(bytes))
    })
    socket.send(message, port, '127.0.0.1')
  })
}

function overTcp(port: number, message: Buffer): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    let bytes = Buffer.alloc(0)
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return
      socket.destroy()
      resolve(decode(bytes.subarray(2)))
    })
    // In two pieces: TCP keeps no message borders.
    socket.write(length)
    socket.write(message)
  })
}
const code = (packet: Packet) => (packet as Packet & { rcode: string }).rcode

describe('the DNS server', () => {
  it('cuts an answer that is too long for UDP and says so, and gives all of it over TCP', async () => {
    const port = await start()
    const short = (await overUdp(port, question('db.shop.svc.cluster.local'))) as Packet & { flag_tc: boolean }
    expect(short.flag_tc).toBe(true)
    expect(short.answers!.length).toBeLessThan(100)
    expect((await overTcp(port, question('db.shop.svc.cluster.local'))).answers).toHaveLength(100)
  })

  it('follows names that stand for others to the end, and a circle not for ever', async () => {
    const alias = (externalName: string) =>
      ({ metadata: headless.metadata, spec: { type: 'ExternalName', externalName } }) as Service
    const names: Record<string, Service> = {
      first: alias('second.shop.svc.cluster.local'),
      second: alias('db.shop.svc.cluster.local'),
      circle: alias('circle.shop.svc.cluster.local'),
      db: headless,
    }
    const port = await start({ cluster: { ...responder.cluster, service: (_, name) => names[name] } })
    const { answers } = await overTcp(port, question('first.shop.svc.cluster.local'))
    expect(answers!.slice(0, 3).map(({ type, name }) => `${type} ${name}`)).toEqual([
      'CNAME first.shop.svc.cluster.local',
      'CNAME second.shop.svc.cluster.local',
      'A db.shop.svc.cluster.local',
    ])
    expect((await overTcp(port, question('circle.shop.svc.cluster.local'))).answers!.length).toBeLessThan(20)
  })

  it('gives more over UDP to a client that can take it', async () => {
    const port = await start()
    const opt = {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 4096,
      flags: 0,
      options: [],
      extendedRcode: 0,
      ednsVersion: 0,
      flag_do: false,
    } satisfies Answer
    const plain = await overUdp(port, question('db.shop.svc.cluster.local'))
    const extended = await overUdp(port, question('db.shop.svc.cluster.local', [opt]))
    expect(extended.answers!.length).toBeGreaterThan(plain.answers!.length)
  })

  it('refuses a version of EDNS that there is not yet', async () => {
    const opt = {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1232,
      flags: 0,
      options: [],
      extendedRcode: 0,
      ednsVersion: 1,
      flag_do: false,
    } satisfies Answer
    const answer = await overUdp(await start(), question('db.shop.svc.cluster.local', [opt]))
    expect(answer.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }])
    expect(answer.answers).toEqual([])
  })

  it('says with an SOA how long a missing name may be remembered', async () => {
    const answer = await overUdp(await start(), question('none.shop.svc.cluster.local'))
    expect(code(answer)).toBe('NXDOMAIN')
    expect(answer.authorities?.[0]).toMatchObject({ type: 'SOA', name: 'cluster.local', ttl: 5 })
  })

  it('knows nothing of the world when the lab has no way out', async () => {
    expect(code(await overUdp(await start(), question('example.com')))).toBe('NXDOMAIN')
  })

  it('answers nonsense with FORMERR and goes on', async () => {
    const port = await start()
    expect(code(await overUdp(port, Buffer.from('ffff01000001000000000000ffffffff', 'hex')))).toBe('FORMERR')
    expect(code(await overUdp(port, question('db.shop.svc.cluster.local')))).toBe('NOERROR')
  })

  it('answers many questions in one message with less than it was sent', async () => {
    const name = Buffer.concat([
      ...Array.from({ length: 3 }, () => Buffer.from(`\x3f${'a'.repeat(63)}`)),
      Buffer.from('\x00\x00\x01\x00\x01'),
    ])
    const pointers = Array.from({ length: 200 }, () => Buffer.from('c00c00010001', 'hex'))
    const header = Buffer.from('000701000000000000000000', 'hex')
    header.writeUInt16BE(1 + pointers.length, 4)
    const port = await start()
    for (const ask of [overUdp, overTcp]) {
      const answer = await ask(port, Buffer.concat([header, name, ...pointers]))
      expect([code(answer), answer.questions]).toEqual(['FORMERR', []])
    }
  })

  it.each([
    ['a dot within', '\x05db.sh\x02op\x03svc\x07cluster\x05local\x00'],
    ['bytes that are no text', `\x3f${'\xff'.repeat(63)}\x03svc\x07cluster\x05local\x00`],
  ])('refuses a label with %s, which it could not say again', async (_, name) => {
    const header = Buffer.from('000701000001000000000000', 'hex')
    const answer = await overUdp(await start(), Buffer.concat([header, Buffer.from(`${name}\x00\x01\x00\x01`, 'latin1')]))
    expect([code(answer), answer.questions]).toEqual(['FORMERR', []])
  })

  it('answers everything that a client asks before it begins to read', async () => {
    const port = await start()
    const message = question('db.shop.svc.cluster.local')
    const framed = Buffer.concat([Buffer.from([0, message.length]), message])
    const questions = 600
    const socket = connect(port, '127.0.0.1')
    socket.pause()
    await new Promise((resolve) => socket.write(Buffer.concat(Array.from({ length: questions }, () => framed)), resolve))
    let bytes = 0
    const expected = questions * (2 + encode(await overTcp(port, message)).length)
    for await (const chunk of socket) {
      bytes += (chunk as Buffer).length
      if (bytes >= expected) break
    }
    expect(bytes).toBe(expected)
  })

  it('brings all of a long answer from outside to who asks by TCP', async () => {
    const outside = await serveDns(
      { ...responder, domain: 'example.org' },
      { address: '127.0.0.1', port: 0, logger: silentLogger },
    )
    servers.push(outside)
    const port = await start({ forward: createForwarder([`127.0.0.1#${outside.port}`], systemClock) })
    const cut = (await overUdp(port, question('db.shop.svc.example.org'))) as Packet & { flag_tc: boolean }
    expect(cut.flag_tc).toBe(true)
    expect((await overTcp(port, question('db.shop.svc.example.org'))).answers).toHaveLength(100)
  })

  it('passes other names on, keeps the answer, and says SERVFAIL when nobody answers', async () => {
    let asked = 0
    const outside = createSocket('udp4')
    outside.on('message', (message, from) => {
      asked += 1
      const { id, questions } = decode(message)
      outside.send(
        encode({
          type: 'response',
          id: id!,
          questions: questions!,
          answers: [{ type: 'A', name: 'example.com', ttl: 60, data: '192.0.2.7' }],
        }),
        from.port,
        from.address,
      )
    })
    await new Promise<void>((resolve) => outside.bind(0, '127.0.0.1', resolve))
    const clock = createTestClock()
    const port = await start({ forward: createForwarder([`127.0.0.1#${outside.address().port}`], clock) })
    for (const _ of [1, 2]) expect((await overUdp(port, question('example.com'))).answers).toMatchObject([{ data: '192.0.2.7' }])
    expect(asked).toBe(1)
    await new Promise<void>((resolve) => outside.close(() => resolve()))
    const deaf = await start({
      forward: createForwarder(
        [`127.0.0.1#${port + 0}`].map(() => '127.0.0.1#1'),
        systemClock,
      ),
    })
    expect(code(await overUdp(deaf, question('example.com')))).toBe('SERVFAIL')
  })

  /** A resolver outside that answers with what `tell` makes of the question. */
  async function outside(tell: (query: Packet) => Buffer[]): Promise<{ at: string; asked: Packet[] }> {
    const socket = createSocket('udp4')
    onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())))
    const asked: Packet[] = []
    socket.on('message', (message, from) => {
      const query = decode(message)
      asked.push(query)
      for (const bytes of tell(query)) socket.send(bytes, from.port, from.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return { at: `127.0.0.1#${socket.address().port}`, asked }
  }
  const told = (id: number, name: string, data: string) =>
    encode({ type: 'response', id, questions: [{ type: 'A', name }], answers: [{ type: 'A', name, ttl: 60, data }] })

  it('takes no answer to another question, and asks by ids that the client does not know', async () => {
    const { at, asked } = await outside(({ id = 0, questions: [{ name } = { name: '' }] = [] }) => [
      told(id, 'other.com', '192.0.2.66'),
      told(id ^ 1, name, '192.0.2.66'),
      told(id, name, '192.0.2.7'),
    ])
    const forward = createForwarder([at], createTestClock())
    for (let index = 0; index < 8; index++) {
      const answer = decode(await forward(question(`${index}.example.com`), 'udp'))
      expect([answer.id, answer.answers]).toMatchObject([7, [{ data: '192.0.2.7' }]])
    }
    expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(1)
  })

  it('answers for the cluster while too many questions wait for somebody outside', async () => {
    const { at } = await outside(() => [])
    const clock = createTestClock()
    const forward = createForwarder([at], clock, 2)
    const port = await start({ forward })
    const waiting = Promise.allSettled(['a.com', 'b.com'].map((name) => forward(question(name), 'udp')))
    expect(code(await overUdp(port, question('c.com')))).toBe('SERVFAIL')
    expect(code(await overUdp(port, question('db.shop.svc.cluster.local')))).toBe('NOERROR')
    await clock.advance(2_000)
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
