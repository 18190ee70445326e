/** The JSON form of Kubernetes objects to their protobuf messages: what JSON leaves out is left out, and read as a zero value by Go. */
import { parseDuration } from '../../api/duration.ts'
import { parseTime } from '../../api/time.ts'
import { type Field, fieldsOf } from './message-fields.ts'
import type { WireWriter } from './wire-writer.ts'

type Members = Readonly<Record<string, unknown>>

/** Writes the fields that `message` names. `type` as `core.Pod`; throws for one that is not known. */
export function writeMessage(writer: WireWriter, type: string, message: Members): void {
  for (const field of fieldsOf(type)) {
    if (field.mark === '~') writeField(writer, field, message)
    else {
      const value = message[field.name]
      if (value !== undefined && value !== null) writeField(writer, field, value)
    }
  }
}

function writeField(writer: WireWriter, { number, mark, type }: Field, value: unknown): void {
  if (mark === '*') {
    const list = value as readonly unknown[]
    for (let index = list.length - 1; index >= 0; index--) writeValue(writer, number, type, list[index])
  } else if (mark === '%') {
    for (const [key, each] of Object.entries(value as Members)) {
      const before = writer.size
      writeValue(writer, 2, type, each)
      writeValue(writer, 1, 's', key)
      writer.endMessage(before)
      writer.tag(number, 2)
    }
  } else writeValue(writer, number, type, value)
}

function writeValue(writer: WireWriter, number: number, type: string, value: unknown): void {
  switch (type) {
    case 's':
      writer.text(value as string)
      return writer.tag(number, 2)
    case 'i':
      writer.integer(value as number)
      return writer.tag(number, 0)
    case 'b':
      writer.integer(value === true ? 1 : 0)
      return writer.tag(number, 0)
    case 'd':
      writer.double(value as number)
      return writer.tag(number, 1)
    case 'y':
      writer.bytes(Buffer.from(value as string, 'base64'))
      return writer.tag(number, 2)
    default: {
      const before = writer.size
      const special = SPECIAL[type]
      if (special) special(writer, value)
      else writeMessage(writer, type, value as Members)
      writer.endMessage(before)
      writer.tag(number, 2)
    }
  }
}

type Write = (writer: WireWriter, value: unknown) => void

const writeRaw: Write = (writer, value) => {
  writer.text(JSON.stringify(value))
  writer.tag(1, 2)
}

const writeItems: Write = (writer, value) => writeField(writer, { name: '', number: 1, mark: '*', type: 's' }, value)

const writeTime =
  (digits: 0 | 6): Write =>
  (writer, value) => {
    const text = value as string
    const seconds = Math.floor(parseTime(text) / 1000)
    const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
    const nanos = Number(fraction.slice(0, digits).padEnd(9, '0'))
    if (nanos > 0) writeValue(writer, 2, 'i', nanos)
    // A message without any field would be the time that is not set.
    writeValue(writer, 1, 'i', seconds)
  }

const SCHEMA = 'apiextensions.JSONSchemaProps'

/** The other half of `SPECIAL` in decode-message.ts: messages whose JSON is not an object of their fields. */
const SPECIAL: Readonly<Record<string, Write>> = {
  'meta.Time': writeTime(0),
  'meta.MicroTime': writeTime(6),
  'meta.Duration': (writer, value) => writeValue(writer, 1, 'i', Math.round(parseDuration(value as string) * 1e6)),
  'meta.FieldsV1': writeRaw,
  'runtime.RawExtension': writeRaw,
  'apiextensions.JSON': writeRaw,
  'quantity.Quantity': (writer, value) => writeValue(writer, 1, 's', String(value)),
  'intstr.IntOrString': (writer, value) => {
    const isText = typeof value === 'string'
    writeValue(writer, isText ? 3 : 2, isText ? 's' : 'i', value)
    writeValue(writer, 1, 'i', isText ? 1 : 0)
  },
  'authentication.AttestationValue': writeItems,
  'authentication.ExtraValue': writeItems,
  'authorization.ExtraValue': writeItems,
  'certificates.ExtraValue': writeItems,
  'meta.Verbs': writeItems,
  'apiextensions.JSONSchemaPropsOrBool': (writer, value) => {
    if (typeof value === 'object') writeValue(writer, 2, SCHEMA, value)
    writeValue(writer, 1, 'b', value !== false)
  },
  'apiextensions.JSONSchemaPropsOrArray': (writer, value) =>
    Array.isArray(value)
      ? writeField(writer, { name: '', number: 2, mark: '*', type: SCHEMA }, value)
      : writeValue(writer, 1, SCHEMA, value),
  'apiextensions.JSONSchemaPropsOrStringArray': (writer, value) =>
    Array.isArray(value)
      ? writeField(writer, { name: '', number: 2, mark: '*', type: 's' }, value)
      : writeValue(writer, 1, SCHEMA, value),
}
