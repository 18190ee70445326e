import { webcrypto } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPeerCertificateReader } from './client-certificate.ts'
import type { PeerCertificate } from '../user.ts'

interface Pair {
  cert: string
  key: string
  privateKey: webcrypto.CryptoKey
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function issue(subject: { [name: string]: string[] }[], signer?: Pair): Promise<Pair> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: signer ? new x509.X509Certificate(signer.cert).subject : subject,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: signer?.privateKey ?? keys.privateKey,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [new x509.BasicConstraintsExtension(!signer, undefined, true)],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`
  return { cert: certificate.toString('pem'), key, privateKey: keys.privateKey }
}

let ca: Pair
let proxyCa: Pair
let strangerCa: Pair
let server: Pair
beforeAll(async () => {
  ca = await issue([{ CN: ['kubernetes'] }])
  proxyCa = await issue([{ CN: ['front-proxy-ca'] }])
  strangerCa = await issue([{ CN: ['kubernetes'] }])
  server = await issue([{ CN: ['localhost'] }], ca)
})

async function seenAs(client: Pair | undefined): Promise<PeerCertificate | undefined> {
  const read = createPeerCertificateReader({ clientCa: ca.cert, requestHeaderCa: proxyCa.cert })
  const options = {
    cert: server.cert,
    key: server.key,
    ca: [ca.cert, proxyCa.cert],
    requestCert: true,
    rejectUnauthorized: false,
  }
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate | undefined>()
  const listener = createServer(options, (socket: TLSSocket) => {
    try {
      const peer = read(socket)
      expect(read(socket)).toBe(peer)
      resolve(peer)
    } catch (error) {
      reject(error)
    }
    socket.end()
  })
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening))
  const { port } = listener.address() as { port: number }
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(client && { cert: client.cert, key: client.key }),
  })
  try {
    return await promise
  } finally {
    socket.destroy()
    listener.close()
  }
}

describe('createPeerCertificateReader', () => {
  it('reads name and organizations, also when they hold commas', async () => {
    const peer = await seenAs(await issue([{ O: ['system:nodes'] }, { O: ['Ops, Team'] }, { CN: ['system:node:ä'] }], ca))
    expect(peer).toMatchObject({ commonName: 'system:node:ä', organizations: ['system:nodes', 'Ops, Team'], authority: 'client' })
    expect(peer?.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  })

  // Go's clients write all organizations into one part of the subject.
  it.each([
    [[{ O: ['dev', 'ops'] }, { CN: ['ann'] }], 'ann', ['dev', 'ops']],
    [[{ O: ['dev'], CN: ['ann'] }], 'ann', ['dev']],
    [
      [{ O: ['a + O=system:masters', ' b ', 'c\\'] }, { CN: ['ann', 'bob + CN=root'] }],
      'bob + CN=root',
      ['a + O=system:masters', ' b ', 'c\\'],
    ],
    [[{ O: ['dev'] }, { CN: ['ann\nO=system:masters'] }], 'ann\nO=system:masters', ['dev']],
  ])('reads each name of %j', async (subject, commonName, organizations) => {
    const peer = await seenAs(await issue(subject as { [name: string]: string[] }[], ca))
    expect({ ...peer, organizations: peer?.organizations.toSorted() }).toMatchObject({
      commonName,
      organizations: organizations.toSorted(),
    })
  })

  it('tells the front proxy by its authority', async () => {
    expect(await seenAs(await issue([{ CN: ['front-proxy-client'] }], proxyCa))).toMatchObject({ authority: 'front-proxy' })
  })

  it('does not know a certificate of an authority that only has the right name', async () => {
    expect(await seenAs(await issue([{ CN: ['admin'] }], strangerCa))).toMatchObject({ authority: 'unknown' })
  })

  it('knows nobody without a certificate', async () => {
    expect(await seenAs(undefined)).toBeUndefined()
  })
})
