/** Our API server as a process on an etcd of its own, with a token for the administrator: what a bench measures when it is given none. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'
import { createSelfSigned } from '../../component/self-signed.ts'
import { startEtcd } from '../../test/etcd-process.ts'
import { createBenchClient, type BenchServer } from './client.ts'

export interface OwnServer extends BenchServer {
  /** From the start of the process to /readyz. */
  readyMs: number
  /** Resident memory in MB. */
  memory(): number
  stop(): Promise<void>
}

const root = path.resolve(import.meta.dirname, '../..')
const TOKEN = 'bench-token'

export async function startOwnServer(nodeArguments: readonly string[] = []): Promise<OwnServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-bench-'))
  const etcd = await startEtcd()
  const file = (name: string, text: string) => {
    const where = path.join(folder, name)
    writeFileSync(where, text, { mode: 0o600 })
    return where
  }
  const tls = await createSelfSigned('kube-apiserver', ['localhost'], ['127.0.0.1'])
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const port = await freePort()
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
    `--service-account-signing-key-file=${file('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}`,
    `--token-auth-file=${file('tokens.csv', `${TOKEN},admin,1,system:masters\n`)}`,
    '--disable-admission-plugins=ServiceAccount',
  ]
  const entry = await bundle()
  const begun = performance.now()
  const child = spawn(process.execPath, [...nodeArguments, entry, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const server = { url: `https://127.0.0.1:${port}`, token: TOKEN, pids: [child.pid!, etcd.pid()] }
  await ready(server)
  const readyMs = performance.now() - begun
  return {
    ...server,
    readyMs,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    async stop() {
      child.kill('SIGTERM')
      await ended
      await etcd.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** As the lab starts it: one file, with Node's compile cache. Of the sources as they are now. */
async function bundle(): Promise<string> {
  const outfile = path.join(root, 'dist/bench/kube-apiserver.js')
  await build({
    absWorkingDir: root,
    entryPoints: ['apiserver/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: true,
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire, enableCompileCache as __cache } from 'node:module'; __cache(); const require = __createRequire(import.meta.url);",
    },
  })
  return outfile
}

async function ready(server: BenchServer): Promise<void> {
  const client = createBenchClient(server, 1)
  for (;;) {
    const answer = await client.call('GET', '/readyz').catch(() => undefined)
    if (answer?.status === 200) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  client.close()
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
