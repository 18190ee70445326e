/** A scheduler under test as a process of its own: ours, as the lab starts it, or upstream's. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { bundle } from '../../scripts/bundle.ts'

export interface Contender {
  name: string
  command: readonly string[]
  kubeconfig: string
  /** The histogram of how long one decision takes. */
  decisions: string
}

export interface RunningContender {
  /** Processor time and memory: what a busy machine does not distort. */
  usage(): { cpuSeconds: number; memory: number }
  decisionTimes(token: string): Promise<{ p50: number; p99: number } | undefined>
  stop(): Promise<void>
}

const root = path.resolve(import.meta.dirname, '../..')

export async function ownScheduler(kubeconfig: string): Promise<Contender> {
  await bundle({ 'kube-scheduler': 'scheduler/main.ts' }, 'dist/bench')
  return {
    name: 'kubelab',
    kubeconfig,
    command: [process.execPath, '--max-semi-space-size=2', '--no-warnings', path.join(root, 'dist/bench/kube-scheduler.js')],
    decisions: 'scheduler_scheduling_attempt_duration_seconds',
  }
}

/** Without its own limit on requests, which would be all that is measured. */
export const upstreamScheduler = (binary: string, kubeconfig: string): Contender => ({
  name: 'upstream',
  kubeconfig,
  command: [
    binary,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--kube-api-qps=5000',
    '--kube-api-burst=5000',
    '--kube-api-content-type=application/json',
    '--port=0',
  ],
  decisions: 'scheduler_scheduling_algorithm_duration_seconds',
})

export async function startContender({ name, command, kubeconfig, decisions }: Contender): Promise<RunningContender> {
  const port = await freePort()
  const [program = '', ...args] = command
  const flags = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--bind-address=127.0.0.1', `--secure-port=${port}`]
  // Dies with this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.once('exit', (code) => {
    if (code) process.stderr.write(`${name} ended with ${code}:\n${said}\n`)
  })
  return {
    usage() {
      // The command's name may hold blanks; fields count from behind it.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0)
      return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, memory: kilobytes / 1024 }
    },
    decisionTimes: async (token) => readHistogram(await get(port, '/metrics', token), decisions),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Quantiles from the buckets of a histogram, all label sets together, between bounds in a straight line; in milliseconds. */
function readHistogram(text: string, name: string): { p50: number; p99: number } | undefined {
  const buckets = new Map<number, number>()
  for (const line of text.split('\n')) {
    const match = line.startsWith(`${name}_bucket`) ? /le="([^"]+)"[^ ]* (\S+)/.exec(line) : null
    if (!match) continue
    const bound = match[1] === '+Inf' ? Infinity : Number(match[1])
    buckets.set(bound, (buckets.get(bound) ?? 0) + Number(match[2]))
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const quantile = (share: number) => {
    const rank = share * total
    const at = sorted.findIndex(([, count]) => count >= rank)
    const [bound, count] = sorted[at]!
    const [from, before] = sorted[at - 1] ?? [0, 0]
    return 1000 * (bound === Infinity ? from : from + ((bound - from) * (rank - before)) / Math.max(1, count - before))
  }
  return { p50: quantile(0.5), p99: quantile(0.99) }
}

function get(port: number, where: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // The certificate is one that the process made for itself on this machine.
    const options = {
      host: '127.0.0.1',
      port,
      path: where,
      rejectUnauthorized: false,
      headers: { authorization: `Bearer ${token}` },
    }
    request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => (text += more))
      response.once('end', () => resolve(text))
    })
      .once('error', reject)
      .end()
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
