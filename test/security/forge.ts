/** Certificates and tokens as an attacker would make them, and good ones to compare with. */
import { createHmac, createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { KeyPair } from './secure-server.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface CertificateWish {
  user: string
  groups?: readonly string[]
  /** Who signs; absent: itself. */
  signer?: KeyPair
  from?: Date
  to?: Date
  usage?: 'client' | 'server'
}

const DAY = 86_400_000

export async function makeCertificate({
  user,
  groups = [],
  signer,
  from,
  to,
  usage = 'client',
}: CertificateWish): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const subject = [...groups.map((group) => ({ O: [group] })), { CN: [user] }]
  const issuer = signer && new x509.X509Certificate(signer.cert).subjectName
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `40${randomBytes(8).toString('hex')}`,
    subject,
    issuer: issuer?.toJSON() ?? subject,
    notBefore: from ?? new Date(Date.now() - DAY),
    notAfter: to ?? new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: signer ? await importKey(signer.key) : keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([
        usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
      ]),
    ],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { cert: `${certificate.toString('pem')}\n`, key }
}

/** An authority that nobody trusts. */
export async function makeForeignAuthority(): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '4001',
    // The name of the real one: a name proves nothing.
    name: 'CN=kubernetes',
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { cert: `${certificate.toString('pem')}\n`, key }
}

/** `spec.request` of a CertificateSigningRequest. */
export async function certificateRequest({ user, groups = [] }: { user: string; groups?: readonly string[] }): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const name = [...groups.map((group) => ({ O: [group] })), { CN: [user] }]
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: ALGORITHM })
  return Buffer.from(request.toString('pem')).toString('base64')
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/** The token with other claims, under the signature of the first. */
export function withClaims(token: string, change: Record<string, unknown>): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, encode({ ...decode(payload), ...change }), signature].join('.')
}

export const withoutSignature = (token: string): string => `${encode({ alg: 'none', typ: 'JWT' })}.${token.split('.')[1]}.`

/** Key confusion: the public key, which everybody has, taken for the secret of an HMAC. */
export function signedByPublicKey(token: string, publicKey: string): string {
  const [header = '', payload = ''] = token.split('.')
  const signed = `${encode({ ...decode(header), alg: 'HS256' })}.${payload}`
  return `${signed}.${createHmac('sha256', publicKey).update(signed).digest('base64url')}`
}

export function withOneBitFlipped(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[10] = bytes[10]! ^ 1
  return [header, payload, bytes.toString('base64url')].join('.')
}
