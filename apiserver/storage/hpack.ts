/** HTTP/2's header compression (RFC 7541): all of it for what a peer sends, the plainest form of it for what we send. */

export type Header = readonly [name: string, value: string]

/** What a decoder keeps unless it says otherwise, which ours never does. */
const TABLE_BYTES = 4096
/** Of one integer: no length or index that fits a frame needs more. */
const LARGEST_INTEGER = 2 ** 28

/** RFC 7541, appendix A, in the order of its indexes from 1. */
const STATIC_TABLE: readonly Header[] = `:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|
:status 200|:status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|
accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|
content-encoding|content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|
host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|
proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|
transfer-encoding|user-agent|vary|via|www-authenticate`
  .replaceAll('\n', '')
  .split('|')
  .map((line) => {
    const space = line.indexOf(' ')
    return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
  })

/** Literals that no table remembers: a peer decodes them without state, and a caller may keep the block. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), plainString(name), plainString(value)]))
}

function plainString(text: string): Buffer {
  const bytes = Buffer.from(text)
  const prefix: number[] = []
  let length = bytes.length
  if (length < 0x7f) prefix.push(length)
  else {
    prefix.push(0x7f)
    for (length -= 0x7f; length >= 0x80; length = Math.floor(length / 0x80)) prefix.push((length % 0x80) + 0x80)
    prefix.push(length)
  }
  return Buffer.concat([Buffer.from(prefix), bytes])
}

/** Of one connection: every block it receives must be shown to it, in order, since each may refer to the ones before. */
export class HeaderDecoder {
  /** Newest first. */
  private readonly table: Header[] = []
  private bytes = 0
  private maxBytes = TABLE_BYTES
  private block: Buffer = NOTHING
  private at = 0

  /** Throws on a block that is none: the connection cannot go on then. */
  decode(block: Buffer): Header[] {
    this.block = block
    this.at = 0
    const headers: Header[] = []
    while (this.at < block.length) {
      const first = block[this.at]!
      if (first >= 0x80) headers.push(this.indexed(this.integer(7)))
      else if (first >= 0x40) headers.push(this.remembered(this.literal(6)))
      else if (first >= 0x20) this.resize(this.integer(5))
      else headers.push(this.literal(4))
    }
    return headers
  }

  private indexed(index: number): Header {
    const header = index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.table[index - STATIC_TABLE.length - 1]
    if (!header) throw new Error(`Cannot read HTTP/2 headers: there is no entry ${index}`)
    return header
  }

  private literal(prefixBits: number): Header {
    const index = this.integer(prefixBits)
    const name = index > 0 ? this.indexed(index)[0] : this.string()
    return [name, this.string()]
  }

  private remembered(header: Header): Header {
    this.table.unshift(header)
    this.bytes += sizeOf(header)
    this.evict()
    return header
  }

  private resize(maxBytes: number): void {
    if (maxBytes > TABLE_BYTES) throw new Error('Cannot read HTTP/2 headers: the table is made larger than allowed')
    this.maxBytes = maxBytes
    this.evict()
  }

  private evict(): void {
    while (this.bytes > this.maxBytes) this.bytes -= sizeOf(this.table.pop()!)
  }

  private integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1
    let value = this.byte() & mask
    if (value < mask) return value
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > LARGEST_INTEGER) throw new Error('Cannot read HTTP/2 headers: a number is too large')
      if (byte < 0x80) return value
    }
  }

  private string(): string {
    const compressed = this.block[this.at]! >= 0x80
    const length = this.integer(7)
    const bytes = this.block.subarray(this.at, this.at + length)
    if (bytes.length < length) throw cutOff()
    this.at += length
    return compressed ? huffmanDecoded(bytes) : bytes.toString('latin1')
  }

  private byte(): number {
    const byte = this.block[this.at++]
    if (byte === undefined) throw cutOff()
    return byte
  }
}

const NOTHING = Buffer.alloc(0)
const cutOff = () => new Error('Cannot read HTTP/2 headers: they are cut off')
const sizeOf = ([name, value]: Header): number => name.length + value.length + 32

/**
 * Length of the code of each byte (RFC 7541, appendix B), in base 36. The code is canonical: in order of length and then of the
 * byte each is one more than the one before.
 */
const CODE_LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmnlnmnnkmmmnmm' +
  'nqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq'
const LONGEST_CODE = 30

/** Bytes by their code with a 1 before it, so that leading zeros count. */
const codes = (() => {
  const lengths = [...CODE_LENGTHS].map((digit, byte) => ({ byte, length: Number.parseInt(digit, 36) }))
  const byCode = new Map<number, number>()
  let code = 0
  let last = 0
  for (const { byte, length } of lengths.sort((a, b) => a.length - b.length || a.byte - b.byte)) {
    code *= 2 ** (length - last)
    last = length
    byCode.set(2 ** length + code++, byte)
  }
  return byCode
})()

/** Bit by bit: a connection sends only its first few headers this way. */
function huffmanDecoded(bytes: Buffer): string {
  let text = ''
  let code = 1
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1)
      const decoded = codes.get(code)
      if (decoded !== undefined) {
        text += String.fromCharCode(decoded)
        code = 1
      } else if (code >= 2 ** (LONGEST_CODE + 1)) throw new Error('Cannot read HTTP/2 headers: a code is unknown')
    }
  }
  return text
}
