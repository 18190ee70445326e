/** The request's body, bounded in size and nesting, from bytes to a plain value: JSON, YAML or protobuf. */
import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../api/error-message.ts'
import { jsonProblem } from '../../api/json.ts'
import { endOfString } from '../../api/schema/duplicate-fields.ts'
import { badRequest, requestEntityTooLarge, unsupportedMediaType } from '../../api/status.ts'

/** Upstream's limit: etcd takes 1.5 MiB, and JSON may be twice that. */
const MAX_BODY_BYTES = 3 * 1024 * 1024

/** Deeper than any API, and shallow enough for every recursive step behind it. */
const MAX_DEPTH = 500

export function readBody(request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      // Let the rest come and go, so that the client reads the answer instead of a reset.
      request.resume()
      reject(tooLarge(limit))
      return
    }
    const gone = () => reject(badRequest('Cannot read the body: the client went away'))
    // It may have gone while the request waited for its turn, and says so only once.
    if (request.destroyed) return gone()
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        chunks.length = 0
        reject(tooLarge(limit))
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.on('error', (error) => reject(badRequest(`Cannot read the body: ${error.message}`)))
    request.on('aborted', gone)
  })
}

const tooLarge = (limit: number) => requestEntityTooLarge(`limit is ${limit}`)

const ACCEPTED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export type BodyFormat = 'json' | 'yaml' | 'protobuf'

/** From `Content-Type`; JSON when there is none. Throws 415. */
export function bodyFormat(contentType: string | undefined): BodyFormat {
  if (!contentType || contentType === 'application/json') return 'json'
  switch (mediaTypeOf(contentType)) {
    case 'application/json':
      return 'json'
    case 'application/yaml':
    case 'application/x-yaml':
    case 'text/yaml':
      return 'yaml'
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf'
    default:
      throw unsupportedMediaType(ACCEPTED)
  }
}

export const mediaTypeOf = (contentType: string): string => contentType.split(';', 1)[0]!.trim().toLowerCase()

/** Throws 400 on what cannot be read. `what` begins the message, as upstream begins it for this kind of body. */
export async function parseBody(body: Buffer, format: BodyFormat, what: string): Promise<unknown> {
  if (format === 'json') return parseJson(body, what)
  if (format === 'protobuf') return parseProtobuf(body)
  const { parseYaml } = await import('./parse-yaml.ts')
  try {
    const value = parseYaml(body.toString(), MAX_DEPTH)
    checkDepth(JSON.stringify(value ?? null), what)
    return value
  } catch (error) {
    throw badRequest(`${what}: error converting YAML to JSON: yaml: ${messageOf(error)}`)
  }
}

/** Go's typed clients and `kubectl create` send it; kinds that have no messages here are asked for in JSON. */
async function parseProtobuf(body: Buffer): Promise<unknown> {
  // Most servers never meet one: the table of messages is read when the first comes.
  const { decodeProtobufBody } = await import('../protobuf/decode-body.ts')
  const value = decodeProtobufBody(body)
  if (!value) throw unsupportedMediaType(ACCEPTED.slice(0, 2))
  return value
}

export function parseJson(body: Buffer, what: string): unknown {
  const text = body.toString()
  checkDepth(text, what)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw badRequest(`${what}: ${jsonProblem(error)}`)
  }
}

/** One pass over the text before it is parsed: a parsed bomb has gone off already. */
function checkDepth(text: string, what: string): void {
  if (text.length < MAX_DEPTH) return
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) at = endOfString(text, at)
    else if (code === 123 || code === 91) {
      if (++depth > MAX_DEPTH) throw badRequest(`${what}: exceeded max depth`)
    } else if (code === 125 || code === 93) depth--
  }
}
