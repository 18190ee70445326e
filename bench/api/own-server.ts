/** Our API server as the lab starts it, on an etcd of its own: what a bench measures when it is given none. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { bundle } from '../../scripts/bundle.ts'
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
  const [etcd] = await Promise.all([startEtcd(), bundle({ 'kube-apiserver': 'apiserver/main.ts' }, 'dist/bench')])
  const program = path.join(root, 'dist/bench/kube-apiserver.js')
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
