/** Asks the cluster for a certificate: a key of its own, a CertificateSigningRequest, and the wait until somebody has signed. */
import { createPrivateKey, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'

export interface CertificateWish {
  signerName: 'kubernetes.io/kube-apiserver-client-kubelet' | 'kubernetes.io/kubelet-serving'
  nodeName: string
  /** DNS names and addresses of a serving certificate. */
  names: readonly string[]
}

/** PEM. */
export interface KeyPair {
  cert: string
  key: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Rejects when the request is denied, or fails, or `signal` ends the wait. */
export async function requestCertificate(client: ApiClient, wish: CertificateWish, signal: AbortSignal): Promise<KeyPair> {
  const { request, key } = await createRequest(wish)
  const { metadata } = await client.create('CertificateSigningRequest', {
    metadata: { generateName: 'csr-' },
    spec: {
      request: Buffer.from(request).toString('base64'),
      signerName: wish.signerName,
      usages: ['digital signature', wish.names.length > 0 ? 'server auth' : 'client auth'],
    },
  } as unknown as CertificateSigningRequest)
  const certificate = await waitUntilSigned(client, metadata.name, signal)
  return { cert: Buffer.from(certificate, 'base64').toString(), key }
}

async function createRequest({ nodeName, names }: CertificateWish): Promise<{ request: string; key: string }> {
  // Loaded here: it costs more than everything else of a start, and most starts ask for nothing.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const alternatives = names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : [],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { request: request.toString('pem'), key }
}

/** The certificate as the status has it. */
async function waitUntilSigned(client: ApiClient, name: string, signal: AbortSignal): Promise<string> {
  const fieldSelector = `metadata.name=${name}`
  for (;;) {
    const { items, metadata } = await client.list('CertificateSigningRequest', { fieldSelector, signal })
    const found = items[0]
    if (!found) throw new Error(`Cannot get a certificate: the request ${name} was deleted`)
    const done = outcomeOf(found)
    if (done !== undefined) return done
    const { resourceVersion } = metadata
    for await (const { type, object } of client.watch('CertificateSigningRequest', { fieldSelector, resourceVersion, signal })) {
      if (type === 'DELETED') throw new Error(`Cannot get a certificate: the request ${name} was deleted`)
      const certificate = type === 'MODIFIED' ? outcomeOf(object) : undefined
      if (certificate !== undefined) return certificate
    }
    signal.throwIfAborted()
  }
}

/** Undefined while nobody has decided, or the signer has not come to it. */
function outcomeOf({ metadata, status }: CertificateSigningRequest): string | undefined {
  const refusal = status?.conditions?.find(({ type, status: is }) => (type === 'Denied' || type === 'Failed') && is !== 'False')
  if (refusal) throw new Error(`Cannot get a certificate: ${metadata.name} is ${refusal.type}: ${refusal.message ?? ''}`)
  return status?.certificate
}
