/** A TLS secret as the proxy wants it, or what is wrong with it: the proxy must never meet a certificate that it cannot load. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Secret } from '../../api/generated/types.ts'

export function readCertificate({ data }: Secret): { pem: string; names: string[] } | { problem: string } {
  const text = (name: string) =>
    Buffer.from(data?.[name] ?? '', 'base64')
      .toString()
      .trim()
  const [cert, key] = [text('tls.crt'), text('tls.key')]
  if (!cert || !key) return { problem: 'tls.crt or tls.key is missing' }
  try {
    const parsed = new X509Certificate(cert)
    if (!parsed.checkPrivateKey(createPrivateKey(key))) return { problem: 'the key is not that of the certificate' }
    const names = [...(parsed.subjectAltName ?? '').matchAll(/DNS:([^,\s"]+)/g)].map(([, name]) => name!)
    return { pem: `${cert}\n${key}\n`, names }
  } catch (error) {
    return { problem: `cannot be read: ${(error as Error).message}` }
  }
}
