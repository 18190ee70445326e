/**
 * A throw-away certificate for servers that were given none, as upstream makes one under `--cert-dir`.
 *
 * Written as DER by hand: a certificate library would cost every component 90 ms and 19 MB at each start for this alone.
 */
import { generateKeyPair, randomBytes, sign } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { promisify } from 'node:util'

export interface SelfSigned {
  cert: string
  key: string
}

/** Valid for a year, for these DNS names and addresses; it is its own authority. */
export async function createSelfSigned(
  commonName: string,
  dnsNames: readonly string[],
  addresses: readonly string[],
): Promise<SelfSigned> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' })
  const name = sequence(set(sequence(oid.commonName, der(0x0c, Buffer.from(commonName)))))
  const now = Date.now()
  const alternatives = [
    ...dnsNames.map((each) => der(0x82, Buffer.from(each))),
    ...addresses.map((each) => der(0x87, addressBytes(each))),
  ]
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    // Positive and not zero, whatever the first random bit is.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    sequence(oid.ecdsaWithSha256),
    name,
    sequence(time(now - 60_000), time(now + 365 * 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(oid.basicConstraints, yes, der(0x04, sequence(yes))),
        sequence(oid.subjectAlternativeName, der(0x04, sequence(...alternatives))),
      ),
    ),
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = sequence(body, sequence(oid.ecdsaWithSha256), der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  return {
    cert: toPem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(header), content])
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts))
const set = (...parts: Buffer[]) => der(0x31, Buffer.concat(parts))
const integer = (bytes: Buffer) => der(0x02, bytes)
const yes = der(0x01, Buffer.from([0xff]))

/** UTCTime, which holds until 2049: `YYMMDDHHMMSSZ`. */
const time = (ms: number) => der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))

const oid = {
  commonName: der(0x06, Buffer.from('550403', 'hex')),
  ecdsaWithSha256: der(0x06, Buffer.from('2a8648ce3d040302', 'hex')),
  basicConstraints: der(0x06, Buffer.from('551d13', 'hex')),
  subjectAlternativeName: der(0x06, Buffer.from('551d11', 'hex')),
}

function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined) => (text ? text.split(':') : [])
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

const toPem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
