/** A request body in Kubernetes' protobuf envelope to the JSON value that it stands for. */
import { badRequest } from '../../api/status.ts'
import { decodeMessage, ProtobufError } from './decode-message.ts'
import { messageName } from './message-fields.ts'
import { WireReader } from './wire-reader.ts'

/** Every body begins with it, so that nothing else is taken for one. */
export const MAGIC = Buffer.from('k8s\0')

interface Envelope {
  apiVersion: string
  kind: string
  raw: Buffer
}

/** Undefined when the kind is none whose messages are known. Throws 400 on bytes that cannot be read. */
export function decodeProtobufBody(body: Buffer): Record<string, unknown> | undefined {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  try {
    const { apiVersion, kind, raw } = readEnvelope(body.subarray(4))
    const message = messageName(apiVersion, kind)
    return message === undefined ? undefined : { apiVersion, kind, ...decodeMessage(message, raw) }
  } catch (error) {
    if (error instanceof RangeError || error instanceof ProtobufError) throw badRequest(`proto: ${error.message}`)
    throw error
  }
}

function readEnvelope(bytes: Buffer): Envelope {
  const envelope: Envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0) }
  const reader = new WireReader(bytes)
  while (reader.more()) {
    const { number, wire } = reader.tag()
    if (number === 1) Object.assign(envelope, readTypeMeta(reader.bytes()))
    else if (number === 2) envelope.raw = reader.bytes()
    else reader.skip(wire)
  }
  return envelope
}

function readTypeMeta(bytes: Buffer): Pick<Envelope, 'apiVersion' | 'kind'> {
  const type = { apiVersion: '', kind: '' }
  const reader = new WireReader(bytes)
  while (reader.more()) {
    const { number, wire } = reader.tag()
    if (number === 1) type.apiVersion = reader.bytes().toString()
    else if (number === 2) type.kind = reader.bytes().toString()
    else reader.skip(wire)
  }
  return type
}
