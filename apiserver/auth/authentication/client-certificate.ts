/** Reads who a TLS client is off its certificate, once a connection, and tells users from the front proxy by their authority. */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { PeerCertificate } from '../user.ts'

export interface ClientAuthorities {
  /** PEM bundles: `--client-ca-file` and `--requestheader-client-ca-file`. The server's `ca` option must hold both. */
  clientCa: string
  requestHeaderCa?: string | undefined
}

/**
 * For servers with `requestCert: true, rejectUnauthorized: false`: undefined without a certificate, and `unknown` as the
 * authority of one that nobody vouches for, as upstream answers 401 rather than break the handshake.
 */
export function createPeerCertificateReader(authorities: ClientAuthorities): (socket: TLSSocket) => PeerCertificate | undefined {
  const clients = parseBundle(authorities.clientCa)
  const proxies = parseBundle(authorities.requestHeaderCa ?? '')
  const seen = new WeakMap<TLSSocket, PeerCertificate | null>()

  const read = (socket: TLSSocket): PeerCertificate | null => {
    const certificate = socket.getPeerX509Certificate()
    if (!certificate) return null
    const authority = socket.authorized ? authorityOf(certificate, clients, proxies) : undefined
    return { ...subjectOf(certificate), authority: authority ?? 'unknown' }
  }

  return (socket) => {
    let peer = seen.get(socket)
    if (peer === undefined) {
      peer = read(socket)
      seen.set(socket, peer)
    }
    return peer ?? undefined
  }
}

function authorityOf(
  certificate: X509Certificate,
  clients: readonly X509Certificate[],
  proxies: readonly X509Certificate[],
): 'client' | 'front-proxy' | undefined {
  // The chain as the client sent it may hold intermediates: what counts is where it ends.
  for (let at: X509Certificate | undefined = certificate; at; at = issuerOf(at)) {
    if (isSignedByOneOf(at, clients)) return 'client'
    if (isSignedByOneOf(at, proxies)) return 'front-proxy'
  }
  return undefined
}

function issuerOf(certificate: X509Certificate): X509Certificate | undefined {
  const issuer = certificate.issuerCertificate
  return issuer && issuer.fingerprint256 !== certificate.fingerprint256 ? issuer : undefined
}

const isSignedByOneOf = (certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean =>
  authorities.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))

/** The subject's common name and organizations, in the certificate's order. */
export function subjectOf(certificate: X509Certificate): Required<Omit<PeerCertificate, 'authority'>> {
  let commonName = ''
  const organizations: string[] = []
  for (const name of certificate.subject.split('\n').flatMap(namesOfPart)) {
    if (name.startsWith('CN=')) commonName = unescape(name.slice(3))
    else if (name.startsWith('O=')) organizations.push(unescape(name.slice(2)))
  }
  return {
    commonName,
    organizations,
    validTo: certificate.validToDate,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

/** `O=dev + O=ops`: one part of a subject may hold several names. A plus that belongs to one is escaped, and so are spaces at its ends. */
const namesOfPart = (part: string): string[] =>
  (part.match(/(?:\\.|[^\\+])+/g) ?? []).map((name, index, { length }) =>
    name.slice(index > 0 ? 1 : 0, index < length - 1 ? -1 : undefined),
  )

/** OpenSSL escapes special characters of RFC 2253 with a backslash, as themselves or as two hex digits. */
const unescape = (text: string): string =>
  text.includes('\\')
    ? Buffer.from(
        text.replaceAll(/\\([0-9A-Fa-f]{2})|\\(.)/g, (_, hex: string | undefined, char: string) =>
          hex === undefined ? latin1(char) : String.fromCharCode(Number.parseInt(hex, 16)),
        ),
        'latin1',
      ).toString('utf8')
    : text

const latin1 = (char: string): string => Buffer.from(char, 'utf8').toString('latin1')

function parseBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}
