/** Asks the resolvers outside for names that are not the cluster's, and keeps their answers for as long as those say. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { decode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Clock } from '../../component/clock.ts'
import type { Forward, Transport } from './respond.ts'

const TIMEOUT_MS = 2_000
/** Bytes of the answers kept, with the questions they belong to. */
const MAX_KEPT = 16 * 2 ** 20
/** What is longer than any usual answer is asked for again rather than kept. */
const MAX_KEPT_EACH = 4096
/** Questions under way, each with a socket: what comes on top is refused, and the cluster's own names do not notice. */
const MAX_ASKED = 1000
const MAX_KEEP_SECONDS = 30
const NEGATIVE_SECONDS = 5

/** Each server in turn until one answers; rejects when none does. Who asks by TCP gets all of an answer. */
export function createForwarder(servers: readonly string[], clock: Clock, mostAsked = MAX_ASKED): Forward {
  const kept = createKeptAnswers()
  let asked = 0
  return async (message, transport) => {
    const key = `${transport} ${keyOf(message)}`
    const now = clock.now().getTime()
    const known = kept.get(key, now)
    if (known) return withId(known, message.readUInt16BE(0))
    if (asked >= mostAsked) throw new Error('Cannot forward: too many questions are under way')
    asked++
    try {
      // Who asks knows the id that it chose, and could send forged answers to every port of ours.
      const bytes = await askInTurn(servers, withId(message, randomInt(2 ** 16)), transport, clock)
      kept.add(key, bytes, now + secondsToKeep(decode(bytes)) * 1000)
      return withId(bytes, message.readUInt16BE(0))
    } finally {
      asked--
    }
  }
}

function createKeptAnswers() {
  const kept = new Map<string, { bytes: Buffer; until: number }>()
  let size = 0
  const remove = (key: string) => {
    const bytes = kept.get(key)?.bytes
    if (bytes) size -= key.length + bytes.length
    kept.delete(key)
  }
  return {
    get: (key: string, now: number): Buffer | undefined => {
      const known = kept.get(key)
      return known && known.until > now ? known.bytes : undefined
    },
    add(key: string, bytes: Buffer, until: number) {
      if (key.length + bytes.length > MAX_KEPT_EACH) return
      remove(key)
      kept.set(key, { bytes, until })
      size += key.length + bytes.length
      // Oldest first: a Map keeps the order in which keys came.
      while (size > MAX_KEPT) remove(kept.keys().next().value!)
    },
  }
}

/** All but the id: the same question asks for the same answer. */
const keyOf = (message: Buffer) => message.subarray(2).toString('latin1')

function withId(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(id)
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

/** To this question, and not to another one that was once asked with the same id. */
function isAnswerTo(message: Buffer, answer: Buffer): boolean {
  if (answer.length < 12 || answer.readUInt16BE(0) !== message.readUInt16BE(0)) return false
  try {
    const [asked, told] = [questionOf(message), questionOf(answer)]
    return told !== undefined && told === asked
  } catch {
    return false
  }
}

function questionOf(message: Buffer): string | undefined {
  const { questions: [question] = [] } = decode(message)
  return question && `${question.type} ${question.class} ${question.name.toLowerCase()}`
}

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
      if (bytes.length < 2 + length) return
      const answer = bytes.subarray(2, 2 + length)
      finish(() =>
        isAnswerTo(message, answer) ? resolve(answer) : reject(new Error(`Cannot forward: ${server} answered another question`)),
      )
    })
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    socket.write(Buffer.concat([length, message]))
  })
}
