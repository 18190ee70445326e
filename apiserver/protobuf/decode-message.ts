/** Protobuf messages of the Kubernetes API to their JSON form: an absent, empty or zero field is left out where JSON leaves it out. */
import { type Field, fieldsByNumber } from './message-fields.ts'
import { WireReader } from './wire-reader.ts'

/** Bytes that are not what they say they are. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

type Json = unknown
type Message = Record<string, Json>

/** Deeper than a schema of a custom resource can be in JSON, and nothing else nests as much. */
const MAX_DEPTH = 250

/** `name` as `core.Pod`. Fields that are not known are skipped, as Go skips them. */
export function decodeMessage(name: string, bytes: Buffer, depth = 0): Message {
  if (depth > MAX_DEPTH) throw new ProtobufError('exceeded max depth')
  const fields = fieldsByNumber(name)
  const message: Message = {}
  const reader = new WireReader(bytes)
  while (reader.more()) {
    const { number, wire } = reader.tag()
    const field = fields.get(number)
    if (field) readField(message, field, reader, wire, depth)
    else reader.skip(wire)
  }
  return message
}

function readField(message: Message, { name, mark, type }: Field, reader: WireReader, wire: number, depth: number): void {
  switch (mark) {
    case '*': {
      const list = (message[name] ??= []) as Json[]
      // Numbers may come packed into one field.
      if (type === 'i' && wire === 2) for (const inner = new WireReader(reader.bytes()); inner.more();) list.push(inner.integer())
      else list.push(readValue(type, reader, depth))
      return
    }
    case '%':
      return readMapEntry((message[name] ??= {}) as Message, type, reader.bytes(), depth)
    case '~':
      Object.assign(message, readValue(type, reader, depth))
      return
    default: {
      const value = readValue(type, reader, depth)
      if (mark === '?' ? value !== null : !isZero(value)) message[name] = value
    }
  }
}

function readMapEntry(map: Message, type: string, bytes: Buffer, depth: number): void {
  const reader = new WireReader(bytes)
  let key = ''
  let value: Json = type === 's' ? '' : type === 'i' ? 0 : {}
  while (reader.more()) {
    const { number, wire } = reader.tag()
    if (number === 1) key = reader.bytes().toString()
    else if (number === 2) value = readValue(type, reader, depth)
    else reader.skip(wire)
  }
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Go always writes fields that are no pointers; JSON leaves their zero values out. */
function isZero(value: Json): boolean {
  if (value === '' || value === 0 || value === false || value === null || value === undefined) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function readValue(type: string, reader: WireReader, depth: number): Json {
  switch (type) {
    case 's':
      return reader.bytes().toString()
    case 'i':
      return reader.integer()
    case 'b':
      return reader.integer() !== 0
    case 'd':
      return reader.double()
    case 'y':
      return reader.bytes().toString('base64')
    default: {
      const bytes = reader.bytes()
      const special = SPECIAL[type]
      return special ? special(bytes, depth) : decodeMessage(type, bytes, depth + 1)
    }
  }
}

/** Messages whose JSON is not an object of their fields. */
const SPECIAL: Readonly<Record<string, (bytes: Buffer, depth: number) => Json>> = {
  'meta.Time': (bytes) => timeOf(bytes, false),
  'meta.MicroTime': (bytes) => timeOf(bytes, true),
  'meta.Duration': (bytes) => `${Number(scalars(bytes).get(1) ?? 0) / 1e9}s`,
  'meta.FieldsV1': rawJson,
  'runtime.RawExtension': rawJson,
  'quantity.Quantity': (bytes) => String(scalars(bytes).get(1) ?? ''),
  'intstr.IntOrString': (bytes) => {
    const fields = scalars(bytes)
    return fields.get(1) ? String(fields.get(3) ?? '') : Number(fields.get(2) ?? 0)
  },
  'apiextensions.JSON': rawJson,
  'apiextensions.JSONSchemaPropsOrBool': (bytes, depth) => {
    const { allows = false, schema } = decodeMessage('apiextensions.JSONSchemaPropsOrBool', bytes, depth)
    return schema ?? allows
  },
  'apiextensions.JSONSchemaPropsOrArray': (bytes, depth) => {
    const { schema, jSONSchemas = [] } = decodeMessage('apiextensions.JSONSchemaPropsOrArray', bytes, depth)
    return schema ?? jSONSchemas
  },
  'apiextensions.JSONSchemaPropsOrStringArray': (bytes, depth) => {
    const { schema, property = [] } = decodeMessage('apiextensions.JSONSchemaPropsOrStringArray', bytes, depth)
    return schema ?? property
  },
  'meta.Verbs': items,
  'authentication.AttestationValue': items,
  'authentication.ExtraValue': items,
  'authorization.ExtraValue': items,
  'certificates.ExtraValue': items,
}

function items(bytes: Buffer): Json {
  const reader = new WireReader(bytes)
  const values: string[] = []
  while (reader.more()) {
    const { number, wire } = reader.tag()
    if (number === 1) values.push(reader.bytes().toString())
    else reader.skip(wire)
  }
  return values
}

function rawJson(bytes: Buffer): Json {
  const raw = scalars(bytes).get(1)
  if (raw === undefined || raw === '') return null
  try {
    return JSON.parse(String(raw)) as Json
  } catch (error) {
    throw new ProtobufError((error as Error).message)
  }
}

/** Top-level numbers and strings of a small message. */
function scalars(bytes: Buffer): Map<number, string | number> {
  const reader = new WireReader(bytes)
  const values = new Map<number, string | number>()
  while (reader.more()) {
    const { number, wire } = reader.tag()
    if (wire === 0) values.set(number, reader.integer())
    else if (wire === 2) values.set(number, reader.bytes().toString())
    else reader.skip(wire)
  }
  return values
}

/** An empty message is Go's zero time, and null in JSON. */
function timeOf(bytes: Buffer, micro: boolean): string | null {
  if (bytes.length === 0) return null
  const fields = scalars(bytes)
  const seconds = Number(fields.get(1) ?? 0)
  const nanos = Number(fields.get(2) ?? 0)
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new ProtobufError(`time ${seconds} is out of range`)
  const whole = date.toISOString().slice(0, 19)
  return micro ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`
}
