import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EtcdStore } from '../../apiserver/storage/etcd-store.ts'
import { parseEncryptionConfiguration } from '../../apiserver/storage-encryption/encryption-configuration.ts'
import { createTransformers } from '../../apiserver/storage-encryption/transformers.ts'
import { silentLogger } from '../../component/logger.ts'
import { ensurePki, type CertificateFiles, type Pki } from '../../lab/certificates.ts'
import { planProcesses } from '../../lab/processes.ts'
import type { Json } from '../apiserver/http-client.ts'
import { makeCertificate, makeForeignAuthority } from './forge.ts'
import { startSecureServer, type KeyPair, type SecureServer } from './secure-server.ts'

let folder: string
let pki: Pki
let etcd: ChildProcess
let port: number
let servers: SecureServer[]

const data = () => path.join(folder, 'data')
const pem = async ({ certificate, key }: CertificateFiles): Promise<KeyPair> => ({
  cert: await readFile(certificate, 'utf8'),
  key: await readFile(key, 'utf8'),
})

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kubelab-security-etcd-'))
  pki = await ensurePki(path.join(folder, 'pki'), { nodes: [], apiServerAddresses: [] })
  await startLabEtcd()
  servers = [await startServer(), await startServer()]
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  const ended = new Promise((resolve) => etcd.once('exit', resolve))
  etcd.kill('SIGKILL')
  await ended
  await rm(folder, { recursive: true })
})

/** With the command line that a lab starts it with; only its ports and its folder are others. */
async function startLabEtcd(): Promise<void> {
  const lab = { name: 'test', index: 0, nodes: [], internet: false }
  const plan = planProcesses(lab, pki, { node: process.execPath, dist: '' }).find(({ name }) => name === 'etcd')!
  const [client, peer] = await freePorts()
  port = client
  const command = plan.command
    .filter((word) => !word.startsWith('--log-level'))
    .map((word) => word.replaceAll(':2379', `:${client}`).replaceAll(':2380', `:${peer}`))
    .map((word) => (word.startsWith('--data-dir=') ? `--data-dir=${data()}` : word))
  etcd = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    etcd.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
      if (/serving client (requests|traffic)/.test(said)) resolve()
    })
    etcd.once('error', reject)
    etcd.once('exit', (code) => reject(new Error(`Cannot start etcd: it ended with ${code}: ${said.slice(-2_000)}`)))
  })
}

async function freePorts(): Promise<[number, number]> {
  const holders = [0, 0].map(() => createServer().listen(0, '127.0.0.1'))
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.once('listening', resolve))))
  const [one, other] = holders.map((holder) => (holder.address() as AddressInfo).port)
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  return [one!, other!]
}

async function startServer(configuration?: string): Promise<SecureServer> {
  const encryption = parseEncryptionConfiguration(configuration ?? (await readFile(pki.encryptionConfig, 'utf8')))
  const ca = await readFile(pki.etcdCa.certificate, 'utf8')
  return startSecureServer({
    store: new EtcdStore({
      endpoints: [`https://127.0.0.1:${port}`],
      tls: { ca, ...(await pem(pki.apiServerEtcdClient)) },
      transformers: createTransformers(encryption),
      logger: silentLogger,
    }),
  })
}

describe("a lab's etcd", () => {
  it('answers the API server', async () => {
    expect(await ask(await pem(pki.apiServerEtcdClient))).toContain('etcdserver')
  })

  it.each<[string, () => Promise<KeyPair | undefined>]>([
    ['nobody', async () => undefined],
    ['the administrator of the cluster', () => pem(pki.admin)],
    ["the API server's certificate for kubelets", () => pem(pki.apiServerKubeletClient)],
    ['the front proxy', () => pem(pki.frontProxyClient)],
    ['who signed for themselves', () => makeCertificate({ user: 'kube-apiserver-etcd-client' })],
    [
      'a foreign authority',
      async () => makeCertificate({ user: 'kube-apiserver-etcd-client', signer: await makeForeignAuthority() }),
    ],
  ])('says nothing to %s', async (_, credentials) => {
    expect(await ask(await credentials())).toBe('')
  })

  /** What it says to a request, on its client port. */
  async function ask(credentials: KeyPair | undefined): Promise<string> {
    const ca = await readFile(pki.etcdCa.certificate)
    return new Promise((resolve) => {
      let text = ''
      const socket = connect({ host: '127.0.0.1', port, ca, ...credentials }, () => {
        socket.write('GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      })
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      // A refused certificate ends the connection with an alert.
      socket.on('error', () => resolve(text))
      socket.on('close', () => resolve(text))
    })
  }
})

describe('what is on the disk of etcd', () => {
  const TREASURE = 'in-clear-text-nobody-should-find-this'

  /** Every file that etcd writes, as it is: write-ahead log and database. */
  async function contents(): Promise<Buffer[]> {
    const entries = await readdir(data(), { recursive: true, withFileTypes: true })
    return Promise.all(entries.filter((one) => one.isFile()).map((one) => readFile(path.join(one.parentPath, one.name))))
  }

  it('shows no secret, in no encoding, though its name and its neighbours are there', async () => {
    const [server] = servers
    await server!.admin('POST', '/api/v1/namespaces/default/secrets', {
      metadata: { name: 'vault' },
      stringData: { key: TREASURE },
    })
    await server!.admin('POST', '/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'open' },
      data: { key: `${TREASURE}-not` },
    })
    const files = await contents()
    const holds = (text: string) => files.some((bytes) => bytes.includes(text))
    expect(holds('/registry/core/secrets/default/vault')).toBe(true)
    expect(holds('k8s:enc:aesgcm:v1:key1:')).toBe(true)
    // The config map is there to be found: the search itself works.
    expect(holds(`${TREASURE}-not`)).toBe(true)
    expect(holds(Buffer.from(TREASURE).toString('base64'))).toBe(false)
    expect(holds(`${TREASURE}"`)).toBe(false)
    const read = await servers[1]!.admin('GET', '/api/v1/namespaces/default/secrets/vault')
    expect(Buffer.from(String((read['data'] as unknown as { key: string }).key), 'base64').toString()).toBe(TREASURE)
  })
})

describe('the key of secrets', () => {
  const newKey = '  - aesgcm: {keys: [{name: key2, secret: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=}]}'

  it('is rotated by a new one in front of it, and one write of each that changes nothing', async () => {
    const secrets = '/api/v1/namespaces/default/secrets'
    await servers[0]!.admin('POST', secrets, { metadata: { name: 'kept' }, stringData: { key: 'v' } })
    const before = await readFile(pki.encryptionConfig, 'utf8')
    const both = await startServer(before.replace('  providers:\n', `  providers:\n${newKey}\n`))
    const { items } = await both.admin('GET', '/api/v1/secrets')
    for (const secret of items as unknown as Json[])
      await both.admin('PUT', `${secrets}/${String(secret.metadata['name'])}`, secret)
    await both.stop()
    // Without the old key a server does not even start while there is a secret that it cannot read.
    const header = before.slice(0, before.indexOf('  providers:'))
    const rotated = await startServer(`${header}  providers:\n${newKey}\n`)
    const read = await rotated.admin('GET', `${secrets}/kept`)
    expect((read['data'] as unknown as { key: string }).key).toBe(Buffer.from('v').toString('base64'))
    await rotated.stop()
  })
})

describe('a quota', () => {
  it('is met exactly by fifty creates that race through two servers', async () => {
    const [server] = servers
    await server!.admin('POST', '/api/v1/namespaces', { metadata: { name: 'tight' } })
    await server!.admin('POST', '/api/v1/namespaces/tight/resourcequotas', {
      metadata: { name: 'q' },
      spec: { hard: { configmaps: '10' } },
    })
    // The quota counts once a controller has said what is used: here the test says it.
    await server!.admin('PATCH', '/api/v1/namespaces/tight/resourcequotas/q/status', {
      status: { hard: { configmaps: '10' }, used: { configmaps: '0' } },
    })
    const certificates = await Promise.all(servers.map((one) => one.read(one.pki.admin)))
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const which = index % servers.length
        return servers[which]!.call({
          method: 'POST',
          path: '/api/v1/namespaces/tight/configmaps',
          body: { metadata: { name: `c-${index}` } },
          certificate: certificates[which]!,
        })
      }),
    )
    const codes = answers.map(({ code }) => code)
    // A conflict is no success either; upstream's clients then try again.
    expect(codes.filter((code) => code !== 201 && code !== 403 && code !== 409)).toEqual([])
    const { items } = await server!.admin('GET', '/api/v1/namespaces/tight/configmaps')
    expect((items as unknown as object[]).length).toBe(codes.filter((code) => code === 201).length)
    // All of it is used, unless one of the last was told to try again.
    if (!codes.includes(409)) expect((items as unknown as object[]).length).toBe(10)
    expect((items as unknown as object[]).length).toBeLessThanOrEqual(10)
    const quota = await server!.admin('GET', '/api/v1/namespaces/tight/resourcequotas/q')
    expect(quota.status['used']).toEqual({ configmaps: String((items as unknown as object[]).length) })
  })
})
