/** Asks the resolvers outside for names that are not the cluster's, and keeps their answers for as long as those say. */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { decode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Clock } from '../../component/clock.ts'
import type { Forward, Transport } from './respond.ts'

const TIMEOUT_MS = 2_000
const MAX_KEPT = 10_000
const MAX_KEEP_SECONDS = 30
const NEGATIVE_SECONDS = 5

/** Each server in turn until one answers; rejects when none does. Who asks by TCP gets all of an answer. */
export function createForwarder(servers: readonly string[], clock: Clock): Forward {
  const kept = new Map<string, { bytes: Buffer; until: number }>()
  return async (message, transport) => {
    const key = `${transport} ${keyOf(message)}`
    const now = clock.now().getTime()
    const known = kept.get(key)
    if (known && known.until > now) return withId(known.bytes, message)
    const bytes = await askInTurn(servers, message, transport, clock)
    kept.delete(key)
    // Oldest first: a Map keeps the order in which keys came.
    if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!)
    kept.set(key, { bytes, until: now + secondsToKeep(decode(bytes)) * 1000 })
    return bytes
  }
}

/** All but the id: the same question asks for the same answer. */
const keyOf = (message: Buffer) => message.subarray(2).toString('latin1')

function withId(bytes: Buffer, message: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  message.copy(copy, 0, 0, 2)
  return copy
}

function secondsToKeep({ answers }: Packet): number {
  const lifetimes = (answers ?? []).map((answer) => ('ttl' in answer ? (answer.ttl ?? 0) : 0))
  return lifetimes.length === 0 ? NEGATIVE_SECONDS : Math.min(MAX_KEEP_SECONDS, ...lifetimes)
}

async function askInTurn(servers: readonly string[], message: Buffer, transport: Transport, clock: Clock): Promise<Buffer> {
  let failure: unknown = new Error('Cannot forward: there is no resolver')
  for (const server of servers) {
    try {
      const answer = await askByUdp(server, message, clock)
      const isCut = (answer.readUInt16BE(2) & TRUNCATED_RESPONSE) !== 0
      return isCut && transport === 'tcp' ? await askByTcp(server, message, clock) : answer
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function addressOf(server: string): { host: string; port: number } {
  const [, host = server, port = '53'] = /^(.+)#(\d+)$/.exec(server) ?? []
  return { host, port: Number(port) }
}
const tooLate = (server: string) => new Error(`Cannot forward: ${server} did not answer in time`)
const isAnswerTo = (message: Buffer, answer: Buffer) => answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0)

function askByUdp(server: string, message: Buffer, clock: Clock): Promise<Buffer> {
  const { host, port } = addressOf(server)
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    const finish = (settle: () => void) => {
      cancel()
      socket.close()
      settle()
    }
    const cancel = clock.setTimeout(() => finish(() => reject(tooLate(server))), TIMEOUT_MS)
    socket.once('error', (error) => finish(() => reject(error)))
    socket.on('message', (answer) => {
      if (isAnswerTo(message, answer)) finish(() => resolve(answer))
    })
    // A connected socket hears that nobody listens there.
    socket.connect(port, host, () => socket.send(message))
  })
}

function askByTcp(server: string, message: Buffer, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(addressOf(server))
    const finish = (settle: () => void) => {
      cancel()
      socket.destroy()
      settle()
    }
    const cancel = clock.setTimeout(() => finish(() => reject(tooLate(server))), TIMEOUT_MS)
    let bytes = Buffer.alloc(0)
    socket.once('error', (error) => finish(() => reject(error)))
    socket.once('end', () => finish(() => reject(new Error(`Cannot forward: ${server} gave half an answer`))))
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      const length = bytes.length < 2 ? Infinity : bytes.readUInt16BE(0)
      if (bytes.length >= 2 + length) finish(() => resolve(bytes.subarray(2, 2 + length)))
    })
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    socket.write(Buffer.concat([length, message]))
  })
}
