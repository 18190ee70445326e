/** Our API server as the lab starts it, on an etcd of its own: what a bench measures when it is given none. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { createApiServerProcess } from '../../test/apiserver/api-server-process.ts'
import { startEtcd } from '../../test/etcd-process.ts'
import type { BenchServer } from './client.ts'

export interface OwnServer extends BenchServer {
  /** From the start of the process to /readyz. */
  readyMs: number
  /** Resident memory in MB. */
  memory(): number
  stop(): Promise<void>
}

const root = path.resolve(import.meta.dirname, '../..')

export async function startOwnServer(nodeArguments: readonly string[] = []): Promise<OwnServer> {
  const [etcd, program] = await Promise.all([startEtcd(), bundle()])
  const server = await createApiServerProcess({ etcd, program, nodeArguments })
  const begun = performance.now()
  await server.start()
  const readyMs = performance.now() - begun
  return {
    url: server.url,
    token: server.token,
    pids: [server.pid(), etcd.pid()],
    readyMs,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid()}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    async stop() {
      await server.stop()
      await etcd.stop()
    },
  }
}

/** One file with Node's compile cache, of the sources as they are now. */
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
