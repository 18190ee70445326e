/** The API server as a process of its own on an etcd of the test's, with a token for the administrator: something to kill. */
import { spawn, type ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createSelfSigned } from '../../component/self-signed.ts'
import type { EtcdProcess } from '../etcd-process.ts'

export interface ApiServerProcess {
  url: string
  port: number
  ca: string
  token: string
  pid(): number
  /** On the same port and data as before; resolves when /readyz says that it is ready. */
  start(): Promise<void>
  /** SIGKILL, waited for. */
  kill(): Promise<void>
  /** Ends it as an operator would, and removes its files. */
  stop(): Promise<void>
}

export interface ApiServerProcessOptions {
  etcd: EtcdProcess
  /** What to run; the sources by default. */
  program?: string
  nodeArguments?: readonly string[]
  /** Servers of one cluster share it. */
  signingKey?: string
}

const root = path.resolve(import.meta.dirname, '../..')
const TOKEN = 'admin-token'

export async function createApiServerProcess({
  etcd,
  program = path.join(root, 'apiserver/main.ts'),
  nodeArguments = ['--no-warnings'],
  signingKey = newSigningKey(),
}: ApiServerProcessOptions): Promise<ApiServerProcess> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-apiserver-'))
  const tls = await createSelfSigned('kube-apiserver', ['localhost'], ['127.0.0.1'])
  const port = await freePort()
  const file = (name: string, text: string) => {
    const where = path.join(folder, name)
    writeFileSync(where, text, { mode: 0o600 })
    return where
  }
  const flags = [
    `--etcd-servers=${etcd.endpoint}`,
    `--etcd-cafile=${file('etcd-ca.crt', etcd.tls.ca)}`,
    `--etcd-certfile=${file('etcd.crt', etcd.tls.cert)}`,
    `--etcd-keyfile=${file('etcd.key', etcd.tls.key)}`,
    `--client-ca-file=${file('ca.crt', tls.cert)}`,
    `--tls-cert-file=${file('tls.crt', tls.cert)}`,
    `--tls-private-key-file=${file('tls.key', tls.key)}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${file('sa.key', signingKey)}`,
    `--token-auth-file=${file('tokens.csv', `${TOKEN},admin,1,system:masters\n`)}`,
    '--disable-admission-plugins=ServiceAccount',
  ]
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    ca: tls.cert,
    token: TOKEN,
    pid: () => child?.pid ?? 0,
    async start() {
      // Dies with this process, however that ends.
      const command = ['--pdeathsig', 'KILL', process.execPath, ...nodeArguments, program, ...flags]
      child = spawn('setpriv', command, { stdio: 'ignore' })
      await ready(child, port, tls.cert)
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM')
      rmSync(folder, { recursive: true })
    },
  }
}

export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Asks until it is: a server that starts has no other way to say so. */
async function ready(child: ChildProcess, port: number, ca: string): Promise<void> {
  while ((await statusOf(port, ca)) !== 200) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`Cannot start the API server: it ended with ${child.exitCode ?? child.signalCode}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const statusOf = (port: number, ca: string): Promise<number> =>
  new Promise((resolve) => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    request({ host: '127.0.0.1', port, ca, path: '/readyz', headers, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', () => resolve(0))
      .end()
  })

/** Below the ports that the kernel hands out to clients: one of those that asks a server that is down could be given its port. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.on('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
