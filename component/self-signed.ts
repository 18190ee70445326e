/** A throw-away certificate for servers that were given none, as upstream makes one under `--cert-dir`. */
import { webcrypto } from 'node:crypto'

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
  // Loaded here only: the library costs a process 30 ms and 10 MB that most never need.
  // It wants its reflection polyfill loaded before it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${commonName}`,
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 365 * 86_400_000),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.SubjectAlternativeNameExtension([
          ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
          ...addresses.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { cert: certificate.toString('pem'), key: toPem('PRIVATE KEY', pkcs8) }
}

const toPem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
