/**
 * Reads a parsed JSON object as a model: wrong types are refused in the words of Go's decoder, unknown fields are dropped and
 * reported, nulls are dropped, and quantities and times take their canonical form.
 *
 * On the path of every write, so each model is compiled once into closures, and a value that needs no change is returned as
 * it is. The value given is the caller's to lose: it is changed in place.
 */
import { jsonType } from '../json.ts'
import { badRequest, type ApiError } from '../status.ts'
import { canonicalQuantity } from '../quantity.ts'
import { canonicalMicroTime, canonicalTime } from '../time.ts'
import { isQuantityField } from './list-strategies.ts'
import { modelOf, type FieldSchema } from './models.ts'

export interface TypeMismatch {
  value: unknown
  goType: string
  /** `spec.containers[0].name` */
  path: string
}

/** The value does not fit the model. `decodeFailure` makes the 400 of it. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  /** What stands where another type is wanted: not there for what is wrong in another way, or read by a decoder of its own. */
  readonly mismatch: TypeMismatch | undefined

  constructor(message: string, mismatch?: TypeMismatch) {
    super(message)
    this.mismatch = mismatch
  }
}

/** What strict field validation complains of: `unknown field "spec.foo"`. */
type Strict = string[]

/** The way down to the value in hand. Names are fields and map keys; numbers are list positions. */
interface Context {
  path: (string | number)[]
  strict: Strict
}

type Key = string | number
type Decoder = (value: unknown, key: Key, context: Context) => unknown

export interface Decoded<T> {
  object: T
  strictErrors: Strict
}

const decoders = new Map<string, Decoder>()

export function decode<T>(model: string, value: unknown): Decoded<T> {
  const context: Context = { path: [], strict: [] }
  const object = decoderOf(model)(value, '', context) as T
  return { object, strictErrors: context.strict }
}

/** The 400 of a body that does not fit: `Pod in version "v1" cannot be handled as a Pod: …`. */
export const decodeFailure = (kind: string, version: string, message: string): ApiError =>
  badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${message}`)

/** The message that strict validation refuses with. */
export const strictMessage = (errors: readonly string[]): string => `strict decoding error: ${errors.join(', ')}`

function decoderOf(model: string): Decoder {
  let decoder = decoders.get(model)
  if (!decoder) {
    decoder = compileModel(model)
    decoders.set(model, decoder)
  }
  return decoder
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Field {
  decode: Decoder
  /** A plain string needs no call: half of all fields are one. */
  isString: boolean
  omitsEmpty: boolean
}

/** Go's `omitempty`: nobody but the client that sent `{}` or `[]` would see it, and it comes back as nothing. */
const OMIT_EMPTY: Record<string, readonly string[]> = { ObjectMeta: ['labels', 'annotations', 'finalizers', 'ownerReferences'] }

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (!isObject(value)) return false
  for (const _ in value) return false
  return true
}

function compileModel(model: string): Decoder {
  // Compiled at first use, since models may hold themselves.
  let fields: Map<string, Field> | undefined
  return (value, key, context) => {
    if (!isObject(value)) throw mismatch(value, goTypeOfModel(model), undefined, key, context)
    fields ??= compileFields(model)
    context.path.push(key)
    let dropped: Set<string> | undefined
    for (const name in value) {
      const child = value[name]
      const field = fields.get(name)
      if (field === undefined) {
        context.strict.push(`unknown field ${JSON.stringify(pathText(context.path, name))}`)
        ;(dropped ??= new Set()).add(name)
      } else if (child === null || (field.omitsEmpty && isEmpty(child))) {
        ;(dropped ??= new Set()).add(name)
      } else if (!field.isString || typeof child !== 'string') {
        const decoded = field.decode(child, name, context)
        if (decoded !== child) value[name] = decoded
      }
    }
    context.path.pop()
    return dropped ? without(value, dropped) : value
  }
}

/** A copy, since `delete` would turn the object into a slow dictionary. */
function without(value: Record<string, unknown>, dropped: Set<string>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const name in value) if (!dropped.has(name)) kept[name] = value[name]
  return kept
}

function compileFields(model: string): Map<string, Field> {
  return new Map(
    Object.entries(modelOf(model).fields).map(([name, schema]) => {
      const quantity = isQuantityField(model, name)
      const isString = schema.type === 'string' && !schema.format && !quantity
      const omitsEmpty = OMIT_EMPTY[model]?.includes(name) ?? false
      return [name, { decode: compileField(schema, model, quantity), isString, omitsEmpty }]
    }),
  )
}

function compileField(schema: FieldSchema, owner: string, quantity: boolean): Decoder {
  switch (schema.type) {
    case 'string':
      return quantity ? quantityDecoder : stringDecoder(schema.format, owner)
    case 'integer':
      return integerDecoder(schema.format === 'int64' ? 'int64' : 'int32', owner)
    case 'number':
      return typeofDecoder('number', 'float64', owner)
    case 'boolean':
      return typeofDecoder('boolean', 'bool', owner)
    case 'int-or-string':
      return intOrStringDecoder
    case 'any':
      return (value) => value
    case 'ref':
      return refDecoder(schema.ref!, owner)
    case 'array':
      return arrayDecoder(schema, owner, quantity)
    case 'object':
      return mapDecoder(schema, owner, quantity)
  }
}

/** Names the field's struct in the complaint, which the model's own decoder cannot know. */
function refDecoder(model: string, owner: string): Decoder {
  let decoder: Decoder | undefined
  return (value, key, context) => {
    if (!isObject(value)) throw mismatch(value, goTypeOfModel(model), owner, key, context)
    decoder ??= decoderOf(model)
    return decoder(value, key, context)
  }
}

const typeofDecoder =
  (type: 'number' | 'boolean' | 'string', goType: string, owner: string): Decoder =>
  (value, key, context) => {
    if (typeof value !== type) throw mismatch(value, goType, owner, key, context)
    return value
  }

function stringDecoder(format: string | undefined, owner: string): Decoder {
  const plain = typeofDecoder('string', format === 'byte' ? '[]uint8' : 'string', owner)
  switch (format) {
    case 'date-time':
      return timeDecoder(canonicalTime)
    case 'date-time-micro':
      return timeDecoder(canonicalMicroTime)
    case 'byte':
      return (value, key, context) => canonicalBase64(plain(value, key, context) as string)
    default:
      return plain
  }
}

/** Types with a decoder of their own upstream complain without naming the field. */
const unnamed = (value: unknown, goType: string) =>
  new DecodeError(`json: cannot unmarshal ${typeFound(value)} into Go value of type ${goType}`)

const timeDecoder =
  (canonical: (text: string) => string): Decoder =>
  (value) => {
    if (typeof value !== 'string') throw unnamed(value, 'string')
    return rethrow(() => canonical(value))
  }

const quantityDecoder: Decoder = (value) =>
  rethrow(() => canonicalQuantity(typeof value === 'string' ? value : JSON.stringify(value)))

function rethrow<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new DecodeError((error as Error).message)
  }
}

const integerDecoder = (goType: 'int32' | 'int64', owner: string): Decoder => {
  const limit = goType === 'int32' ? 2 ** 31 : 2 ** 63
  return (value, key, context) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < -limit || value >= limit) {
      throw mismatch(value, goType, owner, key, context)
    }
    return value
  }
}

const intOrStringDecoder: Decoder = (value) => {
  if (typeof value === 'string') return value
  if (typeof value !== 'number' || !Number.isInteger(value)) throw unnamed(value, 'int32')
  return value
}

/** Go's base64 skips line ends; what is stored has none. */
function canonicalBase64(text: string): string {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return text
  const joined = text.replace(/[\r\n]/g, '')
  if (joined.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(joined)) return joined
  const bad = /[^A-Za-z0-9+/\r\n]/.exec(text)?.index ?? text.length - (joined.length % 4)
  throw new DecodeError(`illegal base64 data at input byte ${bad}`)
}

function arrayDecoder(schema: FieldSchema, owner: string, quantity: boolean): Decoder {
  const decodeItem = compileField(schema.items!, owner, quantity)
  const zero = zeroOf(schema.items!, quantity)
  return (value, key, context) => {
    if (!Array.isArray(value)) throw mismatch(value, goTypeOf(schema), owner, key, context)
    context.path.push(key)
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      const decoded = item === null ? zero() : decodeItem(item, index, context)
      if (decoded !== item) value[index] = decoded
    }
    context.path.pop()
    return value
  }
}

function mapDecoder(schema: FieldSchema, owner: string, quantity: boolean): Decoder {
  const values = schema.values ?? { type: 'any' as const }
  const decodeItem = compileField(values, owner, quantity)
  const zero = zeroOf(values, quantity)
  return (value, key, context) => {
    if (!isObject(value)) throw mismatch(value, goTypeOf(schema), owner, key, context)
    context.path.push(key)
    for (const name in value) {
      const item = value[name]
      // A number as a key that is no index: `mapKey` marks it, so that paths in complaints leave it out as Go does.
      const decoded = item === null ? zero() : decodeItem(item, MAP_KEY + name, context)
      if (decoded !== item) value[name] = decoded
    }
    context.path.pop()
    return value
  }
}

/** Marks a path element as a key of a map. Not a character of any field. */
const MAP_KEY = '\0'

/** What null means inside a list or map, where it cannot be left out. */
function zeroOf({ type }: FieldSchema, quantity: boolean): () => unknown {
  if (quantity) return () => '0'
  switch (type) {
    case 'string':
      return () => ''
    case 'integer':
    case 'number':
    case 'int-or-string':
      return () => 0
    case 'boolean':
      return () => false
    case 'ref':
      return () => ({})
    default:
      return () => null
  }
}

/** `spec.containers[0].image`, as strict complaints and field errors name places. */
function pathText(path: readonly Key[], last: Key): string {
  let text = ''
  for (const part of [...path, last]) {
    if (typeof part === 'number') text += `[${part}]`
    else if (part !== '') text += (text && '.') + part.replace(MAP_KEY, '')
  }
  return text
}

function mismatch(value: unknown, goType: string, owner: string | undefined, key: Key, { path }: Context): DecodeError {
  if (owner === undefined) return unnamed(value, goType)
  const fields = [...path, key].filter(
    (part): part is string => typeof part === 'string' && part !== '' && !part.startsWith(MAP_KEY),
  )
  const field = `${goName(owner)}.${fields.join('.')}`
  const message = `json: cannot unmarshal ${typeFound(value)} into Go struct field ${field} of type ${goType}`
  return new DecodeError(message, { value, goType, path: pathText(path, key) })
}

/** An integer that does not fit names itself; a number where another type is wanted does not. */
const typeFound = (value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : jsonType(value)

const VERSION_PREFIX = /^V(\d+(?:(?:alpha|beta)\d+)?)(?=[A-Z])/
const GROUP_PREFIX =
  /^(?:Core|Discovery|Rbac|Flowcontrol|Storage|Authentication|Apiextensions|Apiregistration|Admissionregistration)(?=Event|EndpointPort|Subject|TokenRequest|ServiceReference|WebhookClientConfig|ResourceClaim)/

const goName = (model: string) => model.replace(VERSION_PREFIX, '').replace(GROUP_PREFIX, '')

/** `v1.PodSpec` */
const goTypeOfModel = (model: string) => `v${VERSION_PREFIX.exec(model)?.[1] ?? '1'}.${goName(model)}`

function goTypeOf(schema: FieldSchema): string {
  switch (schema.type) {
    case 'array':
      return `[]${goTypeOf(schema.items!)}`
    case 'object':
      return `map[string]${schema.values ? goTypeOf(schema.values) : 'interface {}'}`
    case 'ref':
      return goTypeOfModel(schema.ref!)
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'int-or-string':
      return 'intstr.IntOrString'
    case 'any':
      return 'runtime.RawExtension'
    default:
      return 'string'
  }
}
