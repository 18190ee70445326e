import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { createSharedInformers } from '../../client/shared-informers.ts'
import { systemClock } from '../../component/clock.ts'
import { silentLogger, type Logger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import { runCertificateApproving, runCertificateSigning } from '../../controller-manager/controllers/certificate-signing.ts'
import { openCertificates, type CertificateFlags } from '../../kubelet/certificates/kubelet-certificates.ts'
import { writeCurrent } from '../../kubelet/certificates/certificate-folder.ts'
import { makeCertificate } from './forge.ts'
import { startSecureServer, type SecureServer } from './secure-server.ts'

const DAY = 86_400_000

let folder: string
let server: SecureServer
let admin: RestClient
let flags: CertificateFlags
const stop = new AbortController()
let controllers: Promise<unknown>

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kubelab-node-certificates-'))
  server = await startSecureServer()
  const config = { server: server.url, ca: server.ca, namespace: 'default' }
  admin = createApiClient({ ...config, ...(await server.read(server.pki.admin)) })
  await startControllers()
  await admin.create('Secret', {
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    },
  } as never)
  const bootstrap = path.join(folder, 'bootstrap-kubeconfig')
  await writeFile(
    bootstrap,
    JSON.stringify({
      'current-context': 'b',
      clusters: [{ name: 'b', cluster: { server: server.url, 'certificate-authority': path.join(folder, 'ca.crt') } }],
      users: [{ name: 'b', user: { token: 'abcdef.0123456789abcdef' } }],
      contexts: [{ name: 'b', context: { cluster: 'b', user: 'b' } }],
    }),
  )
  await writeFile(path.join(folder, 'ca.crt'), server.ca)
  flags = {
    kubeconfig: path.join(folder, 'kubeconfig'),
    'bootstrap-kubeconfig': bootstrap,
    'cert-dir': path.join(folder, 'pki'),
    'rotate-certificates': true,
    'rotate-server-certificates': true,
    'client-ca-file': path.join(folder, 'ca.crt'),
  }
})
afterAll(async () => {
  stop.abort()
  await controllers
  await admin.close()
  await server.stop()
  await rm(folder, { recursive: true })
})

async function startControllers(): Promise<void> {
  const informers = createSharedInformers(admin, { clock: systemClock, logger: silentLogger, signal: stop.signal })
  const context = {
    client: admin,
    informers,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics({ processMetrics: false }),
  }
  const { cert: certificate, key: privateKey } = await server.read(server.pki.ca)
  controllers = Promise.all([
    runCertificateApproving(context as never, stop.signal),
    runCertificateSigning(context as never, { certificate, privateKey }, 365 * DAY, stop.signal),
  ])
  informers.start()
}

const open = (signal: AbortSignal, logger: Logger = silentLogger) =>
  openCertificates(flags, { nodeName: 'node-9', nodeIps: ['127.0.0.9'], clock: systemClock, logger, signal })

async function whoAmI(client: RestClient): Promise<string> {
  const { status } = await client.raw<{ status: { userInfo: { username: string; groups: string[] } } }>(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } },
  )
  return `${status.userInfo.username} ${status.userInfo.groups.join(' ')}`
}

/** Approves each request for a serving certificate, as a person or a lab would. */
async function approveServing(): Promise<CertificateSigningRequest> {
  const { items, metadata } = await admin.list('CertificateSigningRequest')
  const approve = (csr: CertificateSigningRequest) => {
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Test' }]
    return admin.update('CertificateSigningRequest', { ...csr, status: { conditions } } as never, { subresource: 'approval' })
  }
  const isServing = ({ spec, status }: CertificateSigningRequest) =>
    spec.signerName === 'kubernetes.io/kubelet-serving' && !status?.conditions?.length
  for (const csr of items) if (isServing(csr)) return approve(csr)
  for await (const { object } of admin.watch('CertificateSigningRequest', { resourceVersion: metadata.resourceVersion }))
    if (isServing(object)) return approve(object)
  throw new Error('Cannot approve: the watch has ended')
}

describe('a kubelet with a bootstrap token', () => {
  it('becomes its node, and serves under its name', async () => {
    const end = new AbortController()
    const certificates = await open(end.signal)
    for (const file of [flags.kubeconfig, path.join(flags['cert-dir'], 'kubelet-client-current.pem')])
      expect((await stat(file)).mode & 0o777).toBe(0o600)

    const client = createApiClient(certificates.config)
    expect(await whoAmI(client)).toBe('system:node:node-9 system:nodes system:authenticated')

    const serving = new Promise<string>((resolve) => certificates.tls.onRenewed!(({ cert }) => resolve(cert)))
    const following = certificates.follow(client)
    await approveServing()
    const certificate = new X509Certificate(await serving)
    expect(certificate.subjectAltName).toBe('DNS:node-9, IP Address:127.0.0.9')
    expect(certificate.verify(new X509Certificate(server.ca).publicKey)).toBe(true)
    end.abort()
    await following
    await client.close()
  })

  it('needs no token the next time', async () => {
    await admin.delete('Secret', { namespace: 'kube-system', name: 'bootstrap-token-abcdef' })
    const end = new AbortController()
    const client = createApiClient((await open(end.signal)).config)
    expect(await whoAmI(client)).toMatch(/^system:node:node-9 /)
    await client.close()
    expect(await readFile(flags.kubeconfig, 'utf8')).toContain('kubelet-client-current.pem')
  })

  it('renews what has used up most of its life, under a client that goes on', async () => {
    const end = new AbortController()
    const ca = await server.read(server.pki.ca)
    const life = { from: new Date(Date.now() - 300 * DAY), to: new Date(Date.now() + 10 * DAY) }
    const aged = await makeCertificate({ user: 'system:node:node-9', groups: ['system:nodes'], signer: ca, ...life })
    await rm(flags['cert-dir'], { recursive: true })
    await writeCurrent(flags['cert-dir'], 'kubelet-client', aged, new Date(0))
    let heard = (_certificate: unknown) => {}
    const renewed = new Promise<unknown>((resolve) => void (heard = resolve))
    const info: Logger['info'] = (_text, details) => void (details?.['certificate'] && heard(details['certificate']))
    const logger = { ...silentLogger, info }
    const certificates = await open(end.signal, logger)
    const client = createApiClient(certificates.config)
    const before = await whoAmI(client)
    expect(certificates.config.clientCertificate!()!.cert).toBe(aged.cert)
    const following = certificates.follow(client)
    expect(await renewed).toBe('kubelet-client')
    const { cert } = certificates.config.clientCertificate!()!
    expect(new X509Certificate(cert).validToDate.getTime()).toBeGreaterThan(life.to.getTime())
    expect(await whoAmI(client)).toBe(before)
    end.abort()
    await following
    await client.close()
  })

  it('may not approve what it asks for', async () => {
    const end = new AbortController()
    const client = createApiClient((await open(end.signal)).config)
    const { items } = await client.list('CertificateSigningRequest')
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Me' }]
    const approval = client.update('CertificateSigningRequest', { ...items[0]!, status: { conditions } } as never, {
      subresource: 'approval',
    })
    await expect(approval).rejects.toThrow(/cannot update resource "certificatesigningrequests\/approval"/)
    await client.close()
  })
})
