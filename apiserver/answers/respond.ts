/** Writes answers: bytes, JSON, YAML, protobuf and Status errors, with warnings, compression and pretty printing as asked for. */
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Status } from '../../api/generated/types.ts'
import { ApiError, internalError } from '../../api/status.ts'
import type { ApiRequest } from '../api-context.ts'
import { encodeProtobuf, PROTOBUF_TYPE } from '../protobuf/encode-body.ts'
import { type Format, takesOnlyProtobuf } from './negotiate.ts'

const gzipAsync = promisify(gzip)

/** Upstream compresses from here on: less costs more than it saves. */
const COMPRESS_FROM = 128 * 1024

const JSON_TYPE = 'application/json'

type Answering = Pick<ApiRequest, 'raw' | 'response' | 'warnings' | 'headers' | 'audit'>

export function sendBytes(request: Answering, code: number, body: Buffer, contentType = JSON_TYPE): void | Promise<void> {
  if (contentType === JSON_TYPE) request.audit?.responseBody(body)
  if (body.length > COMPRESS_FROM && acceptsGzip(request.raw.headers['accept-encoding'])) {
    return gzipAsync(body, { level: constants.Z_BEST_SPEED }).then((compressed) =>
      write(request, code, compressed, contentType, { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }),
    )
  }
  write(request, code, body, contentType)
}

/** As `sendBytes` for a body in two parts, of which the large one is shared with other answers and so never copied. */
export function sendParts(request: Answering, head: Buffer, body: Buffer): void | Promise<void> {
  const length = head.length + body.length
  const { response } = request
  if (length <= COMPRESS_FROM || acceptsGzip(request.raw.headers['accept-encoding']))
    return sendBytes(request, 200, Buffer.concat([head, body], length))
  if (response.headersSent || response.destroyed) return
  response.writeHead(200, headersFor(request, length, JSON_TYPE))
  response.write(head)
  response.end(body)
}

const acceptsGzip = (header: string | string[] | undefined) => header !== undefined && String(header).includes('gzip')

function write(request: Answering, code: number, body: Buffer, contentType: string, more?: Record<string, string>): void {
  const { response } = request
  // The client may have gone, or an upgraded connection may have been answered, while the request was at work.
  if (response.headersSent || response.destroyed) return
  response.writeHead(code, { ...headersFor(request, body.length, contentType), ...more })
  response.end(body)
}

const headersFor = ({ warnings, headers }: Answering, length: number, contentType: string) => ({
  ...headers,
  'Cache-Control': 'no-cache, private',
  'Content-Type': contentType,
  'Content-Length': length,
  ...(warnings.length > 0 && { Warning: warningHeaders(warnings) }),
})

/** Upstream's limits: clients take 16 KiB of headers and more is a broken answer to them. */
const WARNINGS_TOTAL = 4096
const WARNING_CUT = 256

/** Texts of a header line: no control characters, quotes escaped, each said once; cut short and cut off when they are too many. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)]
  const isMuch = texts.reduce((total, { length }) => total + length, 0) > WARNINGS_TOTAL
  const headers: string[] = []
  let total = 0
  for (const text of texts) {
    const said = isMuch ? text.slice(0, WARNING_CUT) : text
    total += said.length
    if (total > WARNINGS_TOTAL) break
    headers.push(`299 - "${headerText(said).replace(/["\\]/g, '\\$&')}"`)
  }
  return headers
}

/** Node refuses header values beyond Latin-1; upstream encodes such a word, which no client of ours would show better. */
const headerText = (text: string) => text.replace(/[^\x20-\x7e]+/g, (part) => (/^[\n\r\t]+$/.test(part) ? ' ' : '?'))

/** A person's client gets indented answers without asking, as upstream has it. */
export function wantsPretty({ raw, info }: Pick<ApiRequest, 'raw' | 'info'>): boolean {
  const asked = info.query.get('pretty')
  if (asked !== null) return asked !== 'false' && asked !== '0'
  const agent = raw.headers['user-agent']
  return agent !== undefined && (agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0'))
}

export function sendJson(request: ApiRequest, code: number, value: unknown): void | Promise<void> {
  // As upstream: compact JSON is a line, indented JSON has no end of its own.
  const text = wantsPretty(request) ? JSON.stringify(value, null, 2) : `${JSON.stringify(value)}\n`
  return sendBytes(request, code, Buffer.from(text))
}

const lineEnd = Buffer.from('\n')

/** JSON that was put into bytes before, and is a line now. */
export const sendJsonBytes = (request: Answering, code: number, bytes: Buffer): void | Promise<void> =>
  sendBytes(request, code, Buffer.concat([bytes, lineEnd], bytes.length + 1))

/** A Kubernetes object that is answered in one form only: JSON, or protobuf to who takes nothing else. */
export const sendKind = (request: ApiRequest, code: number, value: object): void | Promise<void> =>
  sendAs(request, code, value, takesOnlyProtobuf(request.raw.headers.accept) ? 'protobuf' : 'json')

/** In the form that was negotiated. */
export function sendAs(request: ApiRequest, code: number, value: object, format: Format): void | Promise<void> {
  if (format === 'json') return sendJson(request, code, value)
  // The audit log has objects in JSON, however they go out.
  request.audit?.responseBody(Buffer.from(JSON.stringify(value)))
  return format === 'yaml' ? sendYaml(request, code, value) : sendBytes(request, code, encodeProtobuf(value), PROTOBUF_TYPE)
}

async function sendYaml(request: ApiRequest, code: number, value: unknown): Promise<void> {
  const { stringify } = await import('yaml')
  await sendBytes(request, code, Buffer.from(stringify(value, { aliasDuplicateObjects: false })), 'application/yaml')
}

export const sendText = (request: Answering, code: number, text: string, contentType = 'text/plain; charset=utf-8') =>
  sendBytes(request, code, Buffer.from(text), contentType)

/** A Status that is no error: what deletions answer. */
export const successStatus = (details?: Status['details'], code?: number): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details && { details }),
  ...(code !== undefined && { code }),
})

/** Any failure as its Status. Answers the error that was sent, for the log. */
export function sendError(request: Answering, error: unknown): ApiError {
  const answer = error instanceof ApiError ? error : internalError(error)
  const { response } = request
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return answer
  }
  const retryAfter = answer.details?.retryAfterSeconds
  if (retryAfter) response.setHeader('Retry-After', String(retryAfter))
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (takesOnlyProtobuf(request.raw.headers.accept)) write(request, answer.code, encodeProtobuf(answer.status), PROTOBUF_TYPE)
  else write(request, answer.code, Buffer.from(`${JSON.stringify(answer.status)}\n`), JSON_TYPE)
  return answer
}
