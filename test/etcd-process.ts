/** A real etcd for tests and benches: loopback, free ports, mutual TLS with certificates made for it, data in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface EtcdProcess {
  endpoint: string
  pid(): number
  tls: { ca: string; cert: string; key: string }
  /** A power cut: SIGKILL, waited for. */
  kill(): Promise<void>
  /** On the same data and ports; resolves when it listens. */
  start(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
  /** Stands still without closing anything, as a member that lost its network. */
  freeze(): void
  thaw(): void
  /** As after a restore on an empty disk. */
  wipe(): void
}

export async function startEtcd(options: { folder?: string } = {}): Promise<EtcdProcess> {
  const [member] = await startEtcdCluster(1, options)
  return member!
}

/** Members of one cluster, with one authority and one client certificate. */
export async function startEtcdCluster(count: number, { folder = tmpdir() }: { folder?: string } = {}): Promise<EtcdProcess[]> {
  const certificates = await makeCertificates()
  const ports = await freePorts(2 * count)
  const members = Array.from({ length: count }, (_, index) => ({
    name: `m${index}`,
    client: `https://127.0.0.1:${ports[2 * index]}`,
    peer: `https://127.0.0.1:${ports[2 * index + 1]}`,
  }))
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const processes = members.map((member) => createMember(member, cluster, certificates, folder))
  await Promise.all(processes.map((member) => member.start()))
  return processes
}

interface Member {
  name: string
  client: string
  peer: string
}

type Certificates = Awaited<ReturnType<typeof makeCertificates>>

function createMember(member: Member, cluster: string, certificates: Certificates, folder: string): EtcdProcess {
  const dir = mkdtempSync(path.join(folder, 'kubelab-etcd-'))
  for (const [name, pem] of Object.entries(certificates)) writeFileSync(path.join(dir, name), pem, { mode: 0o600 })
  const log = openSync(path.join(dir, 'etcd.log'), 'a')
  let child: ChildProcess | undefined

  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child!.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  return {
    endpoint: member.client,
    pid: () => child?.pid ?? 0,
    tls: { ca: certificates['ca.crt'], cert: certificates['client.crt'], key: certificates['client.key'] },
    kill,
    async start() {
      // Dies with this process, however that ends.
      const command = ['--pdeathsig', 'KILL', 'etcd', ...etcdArguments(dir, member, cluster)]
      child = spawn('setpriv', command, { stdio: ['ignore', log, 'pipe'] })
      await listening(child)
    },
    async stop() {
      await kill()
      closeSync(log)
      rmSync(dir, { recursive: true, force: true })
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    wipe: () => rmSync(path.join(dir, 'data'), { recursive: true, force: true }),
  }
}

function etcdArguments(dir: string, { name, client, peer }: Member, cluster: string): string[] {
  const file = (name: string) => path.join(dir, name)
  return [
    ['--name', name, '--data-dir', file('data')],
    ['--listen-client-urls', client, '--advertise-client-urls', client],
    ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster],
    [
      '--client-cert-auth',
      '--trusted-ca-file',
      file('ca.crt'),
      '--cert-file',
      file('server.crt'),
      '--key-file',
      file('server.key'),
    ],
    ['--peer-client-cert-auth', '--peer-trusted-ca-file', file('ca.crt')],
    ['--peer-cert-file', file('server.crt'), '--peer-key-file', file('server.key')],
  ].flat()
}

/** etcd says on stderr when it serves; both of its log formats have these words. */
function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr!.setEncoding('utf8')
    child.stderr!.on('data', (text: string) => {
      said = (said + text).slice(-20_000)
      if (/serving client (requests|traffic)/.test(said)) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`Cannot start etcd: it ended with ${code}: ${said.slice(-2_000)}`)))
  })
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function makeCertificates() {
  const authority = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) }
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: 'CN=etcd-ca',
    keys: authority,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const issue = async (name: string) => {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.create({
      ...dates,
      subject: `CN=${name}`,
      issuer: root.subject,
      publicKey: keys.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
    })
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
    return { certificate: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` }
  }
  const [server, client] = await Promise.all([issue('etcd'), issue('kube-apiserver-etcd-client')])
  return {
    'ca.crt': root.toString('pem'),
    'server.crt': server.certificate,
    'server.key': server.key,
    'client.crt': client.certificate,
    'client.key': client.key,
  }
}
