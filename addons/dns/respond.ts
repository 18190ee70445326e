/** One DNS message in, one out: the protocol around `resolve` (codes, SOA, EDNS, truncation, CNAME chasing). Pure but for `forward`. */
import {
  type Answer,
  decode,
  encode,
  encodingLength,
  type Packet,
  type Question,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'
import { type DnsRecord, resolve } from './resolve.ts'
import type { ClusterView } from './zone.ts'

export type Transport = 'udp' | 'tcp'
export type Forward = (message: Buffer, transport: Transport) => Promise<Buffer>

export interface Responder {
  cluster: ClusterView
  domain: string
  /** Seconds that clients may keep an answer. */
  ttl: number
  /** Asks the resolvers outside; null when the lab has none. */
  forward: Forward | null
}

const AUTHORITATIVE = 1 << 10
const RECURSION_AVAILABLE = 1 << 7
const CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4 } as const
/** Its lower four bits are the header's code, which is 0. */
const BADVERS = 1
const HEADER_LENGTH = 12
const PLAIN_UDP_LIMIT = 512
/** What we take and send at most over UDP; above it fragments get lost on real networks. */
const EDNS_LIMIT = 1232

/** Undefined for what deserves no answer: a response, or a message too short to have an id. */
export async function respond(message: Buffer, transport: Transport, responder: Responder): Promise<Buffer | undefined> {
  if (message.length < 12) return undefined
  const query = tryDecode(message)
  if (!query) return encode({ id: message.readUInt16BE(0), type: 'response', flags: CODES.FORMERR, questions: [] })
  if (query.type !== 'query') return undefined
  const [question] = query.questions ?? []
  // Several, each a pointer to one long name, would be answered by far more bytes than they are.
  if (!question || query.questions!.length > 1 || !isPlain(question, message))
    return encode({ ...reply(query, CODES.FORMERR), questions: [] })
  if (query.opcode !== undefined && query.opcode !== 'QUERY') return encode(reply(query, CODES.NOTIMP))
  if (optOf(query)?.ednsVersion) return encode(reply(query, 0, 0, BADVERS))
  const resolution = resolve({ name: question.name, type: question.type }, responder.cluster, responder.domain)
  if (resolution.kind === 'elsewhere') return forwarded(message, query, transport, responder)
  const packet = reply(query, resolution.kind === 'missing' ? CODES.NXDOMAIN : CODES.NOERROR, AUTHORITATIVE)
  if (resolution.kind === 'found') {
    packet.answers = resolution.answers.map((record) => toAnswer(record, responder.ttl))
    packet.additionals = [
      ...(resolution.additionals ?? []).map((record) => toAnswer(record, responder.ttl)),
      ...packet.additionals!,
    ]
    await chaseAlias(packet, question, transport, responder)
  }
  if (packet.answers!.length === 0) packet.authorities = [soa(responder)]
  return fit(packet, transport === 'tcp' ? 65_535 : udpLimit(query))
}

function tryDecode(message: Buffer): (Packet & { opcode?: string }) | undefined {
  try {
    return decode(message)
  } catch {
    return undefined
  }
}

/** Written again it is what was read: labels with dots or bytes that are no text would become another name, or none. */
function isPlain(question: Question, message: Buffer): boolean {
  const written = encode({ questions: [question] }).subarray(HEADER_LENGTH)
  return written.equals(message.subarray(HEADER_LENGTH, HEADER_LENGTH + written.length))
}

interface Edns {
  udpPayloadSize?: number
  ednsVersion?: number
}

const optOf = ({ additionals }: Packet): Edns | undefined => additionals?.find(({ type }) => type === 'OPT') as Edns | undefined

function reply(query: Packet, code: number, flags = 0, extendedRcode = 0): Packet {
  const recursion = ((query.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE
  const opt = optOf(query)
  return {
    id: query.id ?? 0,
    type: 'response',
    flags: flags | recursion | code,
    questions: query.questions ?? [],
    answers: [],
    authorities: [],
    additionals: opt
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: EDNS_LIMIT,
            flags: 0,
            options: [],
            extendedRcode,
            ednsVersion: 0,
            flag_do: false,
          },
        ]
      : [],
  }
}

function toAnswer(record: DnsRecord, ttl: number): Answer {
  return { ...record, ttl, class: 'IN' } as Answer
}

/** Negative answers are kept as long as this says. */
function soa({ domain, ttl }: Responder): Answer {
  return {
    type: 'SOA',
    name: domain,
    class: 'IN',
    ttl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
    },
  }
}

/** Aliases that lead to aliases, in a circle perhaps. */
const MAX_ALIASES = 8

/** An ExternalName points anywhere: within the cluster, to another one, or outside when that can be asked. */
async function chaseAlias(packet: Packet, question: Question, transport: Transport, responder: Responder): Promise<void> {
  if (question.type === 'CNAME') return
  for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
    const last = packet.answers!.at(-1)
    if (last?.type !== 'CNAME') return
    const inside = resolve({ name: last.data, type: question.type }, responder.cluster, responder.domain)
    if (inside.kind === 'elsewhere') {
      packet.answers!.push(...(await answersFromOutside({ ...question, name: last.data }, packet.id ?? 0, transport, responder)))
      return
    }
    if (inside.kind === 'missing' || inside.answers.length === 0) return
    packet.answers!.push(...inside.answers.map((record) => toAnswer(record, responder.ttl)))
  }
}

async function answersFromOutside(
  question: Question,
  id: number,
  transport: Transport,
  { forward }: Responder,
): Promise<Answer[]> {
  if (!forward) return []
  const asked = encode({ id, type: 'query', flags: RECURSION_DESIRED, questions: [question] })
  const answer = await forward(asked, transport).then(tryDecode, () => undefined)
  return answer?.answers ?? []
}

async function forwarded(message: Buffer, query: Packet, transport: Transport, { forward }: Responder): Promise<Buffer> {
  if (!forward) return encode(reply(query, CODES.NXDOMAIN))
  try {
    return await forward(message, transport)
  } catch {
    return encode(reply(query, CODES.SERVFAIL))
  }
}

function udpLimit(query: Packet): number {
  const opt = optOf(query)
  return opt ? Math.min(Math.max(opt.udpPayloadSize ?? 0, PLAIN_UDP_LIMIT), EDNS_LIMIT) : PLAIN_UDP_LIMIT
}

/** Too long for the transport: as many answers as fit and the flag that sends the client to TCP. */
function fit(packet: Packet, limit: number): Buffer {
  if (encodingLength(packet) <= limit) return encode(packet)
  packet.additionals = packet.additionals!.filter(({ type }) => type === 'OPT')
  const answers = packet.answers!
  packet.answers = []
  let length = encodingLength(packet)
  for (const answer of answers) {
    length += encodingLength({ answers: [answer] }) - HEADER_LENGTH
    if (length > limit) {
      packet.flags = (packet.flags ?? 0) | TRUNCATED_RESPONSE
      break
    }
    packet.answers.push(answer)
  }
  return encode(packet)
}
