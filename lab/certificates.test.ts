import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises'
import { createServer, connect } from 'node:tls'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planCertificates, type PkiOptions } from './certificate-plan.ts'
import { ensurePki, type Pki } from './certificates.ts'
import { kubeconfigFor } from './kubeconfigs.ts'

const options: PkiOptions = {
  nodes: [
    { name: 'node-1', addresses: ['172.30.0.2'] },
    { name: 'node-2', addresses: ['172.30.0.3'] },
  ],
  apiServerAddresses: ['172.30.0.1', 'lab.example', 'fd00::1'],
  etcdAddresses: ['10.9.9.1'],
}

let dir: string
let pki: Pki

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'pki-'))
  pki = await ensurePki(dir, options)
})
afterAll(() => rm(dir, { recursive: true }))

const certificate = async (file: string) => new X509Certificate(await readFile(file))
const inAYear = () => new Date(Date.now() + 330 * 86_400_000)

describe('ensurePki', () => {
  it('makes every certificate that is planned, the service-account key and the key of secrets', () => {
    expect(pki.renewed).toHaveLength(planCertificates(options).length + 2)
  })

  it('signs tokens with what every verifier knows', async () => {
    expect(createPrivateKey(await readFile(pki.serviceAccountKey)).asymmetricKeyType).toBe('rsa')
  })

  it('keeps keys to their owner', async () => {
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    for (const key of [
      pki.ca.key,
      pki.admin.key,
      pki.etcdServer.key,
      pki.kubelets['node-1']!.client.key,
      pki.serviceAccountKey,
    ]) {
      expect((await stat(key)).mode & 0o777, key).toBe(0o600)
    }
  })

  it.each([
    ['admin', () => pki.admin, 'O=system:masters\nCN=kubernetes-admin'],
    ['scheduler', () => pki.scheduler, 'CN=system:kube-scheduler'],
    ['controller manager', () => pki.controllerManager, 'CN=system:kube-controller-manager'],
    ['kubelet', () => pki.kubelets['node-1']!.client, 'O=system:nodes\nCN=system:node:node-1'],
    [
      'kubelet client of the API server',
      () => pki.apiServerKubeletClient,
      'O=kubeadm:cluster-admins\nCN=kube-apiserver-kubelet-client',
    ],
  ])('names the %s as upstream does, signed by the cluster authority', async (_, files, subject) => {
    const ca = await certificate(pki.ca.certificate)
    const found = await certificate(files().certificate)
    expect(found.subject).toBe(subject)
    expect(found.checkIssued(ca) && found.verify(ca.publicKey)).toBe(true)
    expect(found.ca).toBe(false)
  })

  it('names the API server for pods, the host and every address given', async () => {
    const found = await certificate(pki.apiServer.certificate)
    for (const name of ['kubernetes', 'kubernetes.default.svc.cluster.local', 'localhost', 'lab.example']) {
      expect(found.checkHost(name), name).toBe(name)
    }
    for (const address of ['127.0.0.1', '10.96.0.1', '172.30.0.1', 'fd00::1'])
      expect(found.checkIP(address), address).toBe(address)
  })

  it('changes nothing the second time', async () => {
    expect((await ensurePki(dir, options)).renewed).toEqual([])
  })

  it('renews only what has other names than wanted', async () => {
    const moved = { ...options, nodes: [{ name: 'node-1', addresses: ['172.30.0.9'] }, options.nodes[1]!] }
    expect((await ensurePki(dir, moved)).renewed).toEqual(['nodes/node-1/kubelet-serving'])
    expect((await ensurePki(dir, options)).renewed).toEqual(['nodes/node-1/kubelet-serving'])
  })

  it('makes a certificate anew whose files were cut short', async () => {
    await truncate(pki.scheduler.key, 10)
    await truncate(pki.kubeProxy.certificate, 10)
    expect((await ensurePki(dir, options)).renewed).toEqual(['kube-proxy', 'scheduler'])
  })

  it('makes everything below a lost authority anew, and nothing else', async () => {
    await rm(pki.frontProxyCa.key)
    expect((await ensurePki(dir, options)).renewed).toEqual(['front-proxy-ca', 'front-proxy-client'])
  })

  it('renews all but authorities and the token key two months before their end', async () => {
    const renewed = (await ensurePki(dir, { ...options, now: inAYear() })).renewed
    expect(renewed).toHaveLength(planCertificates(options).length - 3)
    await ensurePki(dir, options)
  })

  it('renews what it is told to, and never an authority', async () => {
    const all = (await ensurePki(dir, { ...options, renew: () => true })).renewed
    expect(all).toHaveLength(planCertificates(options).length - 3)
    expect(all).not.toContain('ca')
    const one = await ensurePki(dir, { ...options, renew: (file) => file === 'admin' })
    expect(one.renewed).toEqual(['admin'])
    expect((await stat(one.admin.key)).mode & 0o777).toBe(0o600)
  })

  it('serves a mutually authenticated TLS connection', async () => {
    const at = async (files: { certificate: string; key: string }) => ({
      cert: await readFile(files.certificate),
      key: await readFile(files.key),
    })
    const ca = await readFile(pki.ca.certificate)
    const server = createServer({ ...(await at(pki.apiServer)), ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
      socket.end(String(socket.getPeerCertificate().subject.CN))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const socket = connect({ host: '127.0.0.1', port, ca, ...(await at(pki.scheduler)) })
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    server.close()
    expect(answer).toBe('system:kube-scheduler')
  })
})

describe('kubeconfigFor', () => {
  it('carries certificates inside', async () => {
    const text = await kubeconfigFor({
      server: 'https://172.30.0.1:6443',
      ca: pki.ca.certificate,
      client: pki.admin,
      user: 'admin',
    })
    expect(text).toContain('server: "https://172.30.0.1:6443"')
    expect(text).toContain('current-context: "admin@kubelab"')
    expect(text).toContain(`certificate-authority-data: ${(await readFile(pki.ca.certificate)).toString('base64')}`)
  })
})
