/** Reads certificate requests and signs certificates. The library is loaded when the first request comes. */
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import type { RequestedCertificate } from './signers.ts'

// It wants its reflection polyfill loaded before it.
const load = async () => {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** `spec.request` is base64 of PEM. */
const pemOf = (request: string): string => Buffer.from(request, 'base64').toString()

export async function readRequest(request: string): Promise<RequestedCertificate> {
  const x509 = await load()
  const csr = new x509.Pkcs10CertificateRequest(pemOf(request))
  const names = alternativeNames(x509, csr)?.names.items ?? []
  const ofType = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value)
  return {
    // The last counts for whoever is shown the certificate.
    commonName: csr.subjectName.getField('CN').at(-1) ?? '',
    organizations: csr.subjectName.getField('O'),
    dnsNames: ofType('dns'),
    addresses: ofType('ip'),
    emails: ofType('email'),
    uris: names.filter(({ type }) => type !== 'dns' && type !== 'ip' && type !== 'email').map(({ value }) => value),
  }
}

type Library = Awaited<ReturnType<typeof load>>

function alternativeNames(x509: Library, csr: InstanceType<Library['Pkcs10CertificateRequest']>) {
  const found = csr.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)
  return found as InstanceType<Library['SubjectAlternativeNameExtension']> | undefined
}

export interface Authority {
  certificate: string
  privateKey: string
}

const extendedUsages: Record<string, string> = {
  'client auth': '1.3.6.1.5.5.7.3.2',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
  any: '2.5.29.37.0',
}
const keyUsages: Record<string, number> = {
  'digital signature': 1,
  signing: 1,
  'content commitment': 2,
  'key encipherment': 4,
  'data encipherment': 8,
  'key agreement': 16,
  'cert sign': 32,
  'crl sign': 64,
  'encipher only': 128,
  'decipher only': 256,
}

/** Clocks of those who use it may be behind. */
const backdateMs = 5 * 60_000

/** The certificate as base64 of PEM, as `status.certificate` holds it. */
export async function signRequest(
  request: string,
  usages: readonly string[],
  lifetimeMs: number,
  authority: Authority,
  now: Date,
): Promise<string> {
  const x509 = await load()
  const csr = new x509.Pkcs10CertificateRequest(pemOf(request))
  if (!(await csr.verify())) throw new Error('Cannot sign the request: its own signature is wrong')
  const issuer = new x509.X509Certificate(authority.certificate)
  const { key, algorithm } = await importKey(authority.privateKey)
  const names = alternativeNames(x509, csr)
  const extended = [...new Set(usages.flatMap((usage) => extendedUsages[usage] ?? []))]
  const keyUsage = usages.reduce((flags, usage) => flags | (keyUsages[usage] ?? 0), 0)
  const notAfter = new Date(Math.min(now.getTime() + lifetimeMs, issuer.notAfter.getTime()))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString('hex'),
    subject: csr.subjectName,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter,
    publicKey: csr.publicKey,
    signingKey: key,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // An extension that allows nothing makes the certificate invalid for OpenSSL; without it, all is allowed.
      ...(keyUsage ? [new x509.KeyUsagesExtension(keyUsage, true)] : []),
      ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
      ...(names ? [names] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return Buffer.from(`${certificate.toString('pem')}\n`).toString('base64')
}

async function importKey(pem: string) {
  const key = createPrivateKey(pem)
  const der = key.export({ format: 'der', type: 'pkcs8' })
  const elliptic = key.asymmetricKeyType === 'ec'
  const curve = key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'P-384' : 'P-256'
  const algorithm = elliptic
    ? { name: 'ECDSA', namedCurve: curve, hash: curve === 'P-384' ? 'SHA-384' : 'SHA-256' }
    : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return { key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), algorithm }
}
