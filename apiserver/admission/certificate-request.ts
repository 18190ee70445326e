/** Reads the organizations out of a PKCS#10 certificate request: thirty lines of DER, where a library would cost 30 ms and 10 MB. */

interface Element {
  tag: number
  body: Buffer
}

const ORGANIZATION = Buffer.from([0x55, 0x04, 0x0a])
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03])

/** Throws when the text is no certificate request. */
export const organizationsIn = (pem: string): string[] => namesIn(pem, ORGANIZATION)

export const commonNamesIn = (pem: string): string[] => namesIn(pem, COMMON_NAME)

function namesIn(pem: string, wanted: Buffer): string[] {
  const base64 = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/.exec(pem)?.[1]
  if (base64 === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST')
  // CertificationRequest > CertificationRequestInfo > version, subject
  const [request] = childrenOf(Buffer.from(base64, 'base64'))
  const [info] = childrenOf(bodyOf(request, 0x30))
  const [, subject] = childrenOf(bodyOf(info, 0x30))
  return childrenOf(bodyOf(subject, 0x30)).flatMap((relativeName) =>
    childrenOf(bodyOf(relativeName, 0x31)).flatMap((attribute) => {
      const [type, value] = childrenOf(bodyOf(attribute, 0x30))
      return type && value && type.body.equals(wanted) ? [textOf(value)] : []
    }),
  )
}

function bodyOf(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new Error('asn1: structure error: tags do not match')
  return element.body
}

/** UTF8String, NumericString, PrintableString, TeletexString, IA5String: what Go reads, as bytes of ASCII or UTF-8. */
const PLAIN_STRINGS: ReadonlySet<number> = new Set([0x0c, 0x12, 0x13, 0x14, 0x16])

/** Any other type could be read here as one name and by who signs as another: `system:masters` in four bytes a character, say. */
function textOf({ tag, body }: Element): string {
  if (tag === 0x1e) return Buffer.from(body).swap16().toString('utf16le')
  if (!PLAIN_STRINGS.has(tag)) throw new Error(`asn1: structure error: unsupported string type ${tag}`)
  return body.toString('utf8')
}

function childrenOf(data: Buffer): Element[] {
  const elements: Element[] = []
  let at = 0
  while (at < data.length) {
    const tag = data[at]!
    let length = data[at + 1] ?? Number.NaN
    at += 2
    if (length & 0x80) {
      const bytes = length & 0x7f
      if (bytes === 0 || bytes > 4 || at + bytes > data.length) throw new Error('asn1: syntax error: invalid length')
      length = data.readUIntBE(at, bytes)
      at += bytes
    }
    if (!(at + length <= data.length)) throw new Error('asn1: syntax error: data truncated')
    elements.push({ tag, body: data.subarray(at, at + length) })
    at += length
  }
  return elements
}
