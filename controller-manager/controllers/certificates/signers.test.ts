import { webcrypto, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CertificateSigningRequest } from '../../../api/generated/types.ts'
import { SIGNERS, type RequestedCertificate } from './signers.ts'
import { readRequest, signRequest } from './x509.ts'

const [client, kubelet, serving, unknown] = [
  'kube-apiserver-client',
  'kube-apiserver-client-kubelet',
  'kubelet-serving',
  'legacy-unknown',
]
const node: RequestedCertificate = {
  commonName: 'system:node:n',
  organizations: ['system:nodes'],
  dnsNames: [],
  addresses: [],
  emails: [],
  uris: [],
}
const ann: RequestedCertificate = { ...node, commonName: 'ann', organizations: ['dev'] }
const server: RequestedCertificate = { ...node, dnsNames: ['n'] }
const clientUsages = ['client auth', 'digital signature']
const servingUsages = ['key encipherment', 'server auth', 'digital signature']

describe('a signer', () => {
  it.each<[string | undefined, RequestedCertificate, string[], string | null]>([
    [client, ann, ['client auth'], null],
    [client, ann, [...clientUsages, 'key encipherment'], null],
    [client, ann, ['digital signature'], 'missing required usage for client certificate: client auth'],
    [client, ann, ['client auth', 'server auth'], 'invalid usage for client certificate: server auth'],
    [kubelet, node, clientUsages, null],
    [kubelet, node, [...clientUsages, 'key encipherment'], null],
    [kubelet, node, ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
    [kubelet, ann, clientUsages, 'subject organization is not system:nodes'],
    [kubelet, { ...node, organizations: ['system:nodes', 'dev'] }, clientUsages, 'subject organization is not system:nodes'],
    [kubelet, { ...node, commonName: 'n' }, clientUsages, 'subject common name does not begin with system:node:'],
    [kubelet, server, clientUsages, 'DNS subjectAltNames are not allowed'],
    [kubelet, { ...node, emails: ['a@b'] }, clientUsages, 'Email subjectAltNames are not allowed'],
    [kubelet, { ...node, addresses: ['10.0.0.1'] }, clientUsages, 'IP subjectAltNames are not allowed'],
    [kubelet, { ...node, uris: ['spiffe://x'] }, clientUsages, 'URI subjectAltNames are not allowed'],
    [serving, server, servingUsages, null],
    [serving, server, ['server auth', 'digital signature'], null],
    [serving, server, clientUsages, 'usages did not match [digital signature key encipherment server auth]'],
    [serving, node, servingUsages, 'DNS or IP subjectAltName is required'],
    [serving, { ...server, uris: ['spiffe://x'] }, servingUsages, 'URI subjectAltNames are not allowed'],
    [unknown, ann, ['server auth', 'code signing'], null],
  ])('%s takes %o for %o: %s', (signer, request, usages, problem) => {
    const csr = { spec: { username: request.commonName, usages } } as CertificateSigningRequest
    expect(SIGNERS[`kubernetes.io/${signer}`]!(request, csr)).toBe(problem)
  })
})

describe('a certificate', () => {
  it.each([
    ['without usages of its key, as the documentation asks for one', ['client auth'], undefined],
    [
      'with the usages that were asked for',
      ['client auth', 'digital signature', 'key encipherment'],
      ['digitalSignature', 'keyEncipherment'],
    ],
  ])('%s is one that OpenSSL takes', async (_, usages, keyUsage) => {
    await import('reflect-metadata')
    const x509 = await import('@peculiar/x509')
    const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
    const ca = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=kubernetes', keys, signingAlgorithm })
    const made = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=jane', keys, signingAlgorithm })
    const privateKey = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    const authority = { certificate: ca.toString('pem'), privateKey }
    const request = Buffer.from(made.toString('pem')).toString('base64')
    const signed = Buffer.from(await signRequest(request, usages, 3_600_000, authority, new Date()), 'base64')
    expect(new X509Certificate(signed).checkIssued(new X509Certificate(authority.certificate))).toBe(true)
    const flags = new x509.X509Certificate(signed.toString()).getExtension(x509.KeyUsagesExtension)?.usages
    const named = { digitalSignature: x509.KeyUsageFlags.digitalSignature, keyEncipherment: x509.KeyUsageFlags.keyEncipherment }
    expect(flags && Object.entries(named).flatMap(([name, flag]) => (flags & flag ? [name] : []))).toEqual(keyUsage)
  })
})

describe('a request', () => {
  const read = async (...name: Record<string, string[]>[]) => {
    await import('reflect-metadata')
    const x509 = await import('@peculiar/x509')
    const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
    const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm })
    return readRequest(Buffer.from(made.toString('pem')).toString('base64'))
  }

  it('is read as its certificate will be', async () => {
    expect(await read({ O: ['system:nodes'] }, { CN: ['system:node:n'] })).toEqual(node)
  })
  // Judged by another than the one that the authenticator takes, a node's request would be anybody's certificate.
  it.each([
    ['parts of their own', [{ CN: ['system:node:n'] }, { CN: ['system:kube-controller-manager'] }]],
    ['one part', [{ CN: ['system:node:n', 'system:kube-controller-manager'] }]],
  ])('with two common names in %s has the last, as Go reads it', async (_, name) => {
    expect((await read(...name)).commonName).toBe('system:kube-controller-manager')
  })
  // So Go's clients write them.
  it('has all organizations of one part', async () => {
    expect((await read({ O: ['dev', 'ops'] }, { CN: ['ann'] })).organizations).toEqual(['dev', 'ops'])
  })
})
