/**
 * `/openapi/v2` in the protobuf encoding of gnostic's OpenAPIv2.proto: the only form that older versions of kubectl accept.
 *
 * Only the messages that `buildOpenApiV2` produces are known here.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts'

/** What the answer says. Older clients ask for it with an `@`, which no media type may have: Go refuses an answer with it. */
export const OPENAPI_V2_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** A message: its encoded fields in order. */
type Encoded = Buffer

export function encodeOpenApiV2(document: JsonObject): Buffer {
  const { info, paths, definitions, securityDefinitions, security } = document
  const requirements = Array.isArray(security) ? security : []
  return message(
    text(1, document['swagger']),
    nested(2, message(text(1, member(info, 'title')), text(2, member(info, 'version')))),
    nested(8, message(...namedMembers(2, paths, pathItem))),
    nested(9, message(...namedMembers(1, definitions, schema))),
    ...requirements.map((requirement) =>
      nested(12, message(...namedMembers(1, requirement, (scopes) => message(...texts(1, scopes))))),
    ),
    nested(13, message(...namedMembers(1, securityDefinitions, apiKey))),
  )
}

const apiKey = (value: JsonObject): Encoded =>
  nested(2, message(text(1, value['type']), text(2, value['name']), text(3, value['in']), text(4, value['description'])))

function pathItem(item: JsonObject): Encoded {
  const operations = { get: 2, put: 3, post: 4, delete: 5, patch: 8 }
  return message(
    ...Object.entries(operations).map(([method, number]) => nestedIf(number, item[method], operation)),
    ...list(item['parameters']).map((parameter) => nested(9, parameterItem(parameter))),
  )
}

function operation(value: JsonObject): Encoded {
  return message(
    ...texts(1, value['tags']),
    text(5, value['operationId']),
    ...texts(6, value['produces']),
    ...texts(7, value['consumes']),
    ...list(value['parameters']).map((parameter) => nested(8, parameterItem(parameter))),
    nested(9, message(...namedMembers(1, value['responses'], response))),
    ...texts(10, value['schemes']),
    ...extensions(13, value),
  )
}

/** ParametersItem → Parameter → BodyParameter (1), or NonBodyParameter (2) → query (3) or path (4). */
function parameterItem(value: JsonObject): Encoded {
  if (value['in'] === 'body') {
    const body = message(
      text(2, value['name']),
      text(3, value['in']),
      flag(4, value['required']),
      nestedIf(5, value['schema'], schema),
    )
    return nested(1, nested(1, body))
  }
  const isQuery = value['in'] === 'query'
  const inner = message(
    flag(1, value['required']),
    text(2, value['in']),
    text(3, value['description']),
    text(4, value['name']),
    text(isQuery ? 6 : 5, value['type']),
    flag(isQuery ? 20 : 19, value['uniqueItems']),
  )
  return nested(1, nested(2, nested(isQuery ? 3 : 4, inner)))
}

/** ResponseValue → Response, whose schema is a SchemaItem. */
const response = (value: JsonObject): Encoded =>
  nested(
    1,
    message(
      text(1, value['description']),
      nestedIf(2, value['schema'], (inner) => nested(1, schema(inner))),
    ),
  )

function schema(value: JsonObject): Encoded {
  const { additionalProperties, items, type } = value
  return message(
    text(1, value['$ref']),
    text(2, value['format']),
    text(3, value['title']),
    text(4, value['description']),
    number(7, value['maximum']),
    number(9, value['minimum']),
    integer(11, value['maxLength']),
    integer(12, value['minLength']),
    text(13, value['pattern']),
    integer(14, value['maxItems']),
    integer(15, value['minItems']),
    ...texts(19, value['required']),
    ...(Array.isArray(value['enum']) ? value['enum'].map((item) => nested(20, anyValue(item))) : []),
    nestedIf(21, additionalProperties, (inner) => nested(1, schema(inner))),
    additionalProperties === true ? nested(21, message(flag(2, true))) : NOTHING,
    typeof type === 'string' ? nested(22, message(text(1, type))) : NOTHING,
    nestedIf(23, items, (inner) => nested(1, schema(inner))),
    isJsonObject(value['properties']) ? nested(25, message(...namedMembers(1, value['properties'], schema))) : NOTHING,
    ...extensions(31, value),
  )
}

const extensions = (number: number, value: JsonObject): Encoded[] =>
  Object.entries(value)
    .filter(([key]) => key.startsWith('x-'))
    .map(([key, extension]) => nested(number, message(text(1, key), nested(2, anyValue(extension)))))

/** JSON is YAML, which is how gnostic carries free-form values. */
const anyValue = (value: Json): Encoded => message(text(2, `${JSON.stringify(value)}\n`))

/** `Named…` messages: the member's name and its value. */
function namedMembers(field: number, value: Json | undefined, encode: (inner: JsonObject) => Encoded): Encoded[] {
  if (!isJsonObject(value)) return []
  return Object.entries(value).map(([name, inner]) =>
    nested(field, message(text(1, name), nested(2, encode(inner as JsonObject)))),
  )
}

const member = (value: Json | undefined, name: string): Json | undefined => (isJsonObject(value) ? value[name] : undefined)
const list = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : [])

const NOTHING: Encoded = Buffer.alloc(0)

const message = (...fields: Encoded[]): Encoded => Buffer.concat(fields)

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

const nested = (field: number, bytes: Encoded): Encoded => Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])

const nestedIf = (field: number, value: Json | undefined, encode: (inner: JsonObject) => Encoded): Encoded =>
  isJsonObject(value) ? nested(field, encode(value)) : NOTHING

const text = (field: number, value: Json | undefined): Encoded =>
  typeof value === 'string' && value !== '' ? nested(field, Buffer.from(value)) : NOTHING

const texts = (field: number, values: Json | undefined): Encoded[] =>
  Array.isArray(values) ? values.map((value) => nested(field, Buffer.from(String(value)))) : []

const flag = (field: number, value: Json | undefined): Encoded =>
  value === true ? Buffer.concat([varint(field * 8), varint(1)]) : NOTHING

const integer = (field: number, value: Json | undefined): Encoded =>
  typeof value === 'number' && value > 0 ? Buffer.concat([varint(field * 8), varint(value)]) : NOTHING

function number(field: number, value: Json | undefined): Encoded {
  if (typeof value !== 'number') return NOTHING
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([varint(field * 8 + 1), bytes])
}
