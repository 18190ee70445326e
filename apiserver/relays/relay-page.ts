/** Passes an HTML page on with its links rewritten: the one kind of answer that is read before it goes to the client. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, inflateRaw } from 'node:zlib'
import { rewriteHtml, type ProxiedAt } from './rewrite-links.ts'

/** What is larger than this goes out as it is: nobody wrote such a page by hand. */
const MAX_PAGE_BYTES = 8 * 2 ** 20

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  '': (bytes) => Promise.resolve(bytes),
  identity: (bytes) => Promise.resolve(bytes),
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: 4 * MAX_PAGE_BYTES }),
  deflate: (bytes) => promisify(inflateRaw)(bytes, { maxOutputLength: 4 * MAX_PAGE_BYTES }),
}

/** Resolves when the page has been handed over. */
export async function relayPage(
  incoming: IncomingMessage,
  headers: OutgoingHttpHeaders,
  response: ServerResponse,
  at: ProxiedAt,
): Promise<void> {
  const code = incoming.statusCode ?? 502
  const chunks: Buffer[] = []
  let length = 0
  let head = false
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length <= MAX_PAGE_BYTES) continue
      if (!head) response.writeHead(code, headers)
      head = true
      for (const one of chunks.splice(0)) if (!response.write(one)) await drained(response)
    }
  } catch {
    // The other side broke off: what the client has is not the whole, and it must see that.
    response.destroy()
    return
  }
  if (head) return void response.end()
  const page = Buffer.concat(chunks)
  const decoded = await decode(page, String(headers['content-encoding'] ?? ''))
  const body = decoded ? Buffer.from(rewriteHtml(decoded.toString(), at)) : page
  const { 'content-encoding': encoding, ...rest } = headers
  // The answer to a HEAD has the headers of a page and no page.
  const size = page.length === 0 ? {} : { 'content-length': body.length }
  response.writeHead(code, { ...rest, ...(!decoded && encoding && { 'content-encoding': encoding }), ...size })
  response.end(body)
}

/** Undefined when it is in no encoding that we know. */
async function decode(bytes: Buffer, encoding: string): Promise<Buffer | undefined> {
  if (bytes.length === 0) return undefined
  return DECODERS[encoding]?.(bytes).catch(() => undefined)
}

const drained = (response: ServerResponse) =>
  new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
