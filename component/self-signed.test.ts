import { createPrivateKey, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSelfSigned } from './self-signed.ts'

test('a self-signed certificate holds its names and addresses, fits its key and verifies against itself', async () => {
  const { cert, key } = await createSelfSigned(
    'kube-scheduler@host',
    ['localhost', 'a-rather-long-name.example.com'],
    ['127.0.0.1', 'fd00::1:2'],
  )
  const certificate = new X509Certificate(cert)
  expect(certificate.subject).toBe('CN=kube-scheduler@host')
  expect(certificate.issuer).toBe(certificate.subject)
  expect(certificate.subjectAltName).toBe(
    'DNS:localhost, DNS:a-rather-long-name.example.com, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:1:2',
  )
  expect(certificate.ca).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(Date.parse(certificate.validTo) - Date.now()).toBeGreaterThan(364 * 86_400_000)
  expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now())
})
