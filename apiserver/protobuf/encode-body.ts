/** Objects, lists and Status as Kubernetes' protobuf envelope, and watch events as the frames that hold them. */
import { MAGIC } from './decode-body.ts'
import { writeMessage } from './encode-message.ts'
import { messageName } from './message-fields.ts'
import { WireWriter } from './wire-writer.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

interface Typed {
  apiVersion?: string | undefined
  kind?: string | undefined
}

/** Throws where `messageName` knows no message: who takes answers in protobuf asks first. */
export function encodeProtobuf(object: Typed): Buffer {
  const writer = new WireWriter()
  writeEnvelope(writer, object)
  return writer.toBuffer()
}

function writeEnvelope(writer: WireWriter, object: Typed): void {
  const { apiVersion = 'v1', kind = '' } = object
  const type = messageName(apiVersion, kind)
  if (type === undefined) throw new Error(`Cannot write ${apiVersion} ${kind} as protobuf: its message is not known`)
  const end = writer.size
  writeMessage(writer, type, object as Readonly<Record<string, unknown>>)
  writer.endMessage(end)
  writer.tag(2, 2)
  const raw = writer.size
  writer.text(kind)
  writer.tag(2, 2)
  writer.text(apiVersion)
  writer.tag(1, 2)
  writer.endMessage(raw)
  writer.tag(1, 2)
  writer.raw(MAGIC)
}

/** A WatchEvent, which has no envelope of its own, after its length in four bytes. */
export function encodeWatchFrame(type: string, object: Typed): Buffer {
  const writer = new WireWriter()
  writeEnvelope(writer, object)
  writer.endMessage(0)
  writer.tag(1, 2)
  writer.endMessage(0)
  writer.tag(2, 2)
  writer.text(type)
  writer.tag(1, 2)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(writer.size)
  writer.raw(length)
  return writer.toBuffer()
}
