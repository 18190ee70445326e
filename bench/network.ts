/**
 * The service network, measured: rules of 1,000 services with 10 endpoints each by both backends, requests through a cluster
 * address against straight to the pod, and the DNS. Needs root, no lab: `node bench/network.ts [--only rules|ways|dns]`.
 */
import { execFileSync, fork } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { PROXY_MODES } from '../kube-proxy/backends/list.ts'
import { loadDns } from './network/dns-load.ts'
import { compareWays } from './network/ways.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '10' },
    requests: { type: 'string', default: '3000' },
    seconds: { type: 'string', default: '4' },
  },
})
const print = (what: string, text: string) => console.log(`${what.padEnd(44)} ${text}`)
const folder = path.join(import.meta.dirname, 'network')

interface RuleTimes {
  fromNothing: number
  afterRestart: number
  p50: number
  p90: number
  rssMb: number
}

function rules(): void {
  for (const mode of PROXY_MODES) {
    const namespace = `bench-${mode}`
    execFileSync('ip', ['netns', 'add', namespace])
    try {
      const words = [
        path.join(folder, 'rules.ts'),
        '--mode',
        mode,
        '--services',
        values.services,
        '--endpoints',
        values.endpoints,
      ]
      const text = execFileSync('ip', ['netns', 'exec', namespace, process.execPath, '--no-warnings', ...words], {
        encoding: 'utf8',
      })
      const times = JSON.parse(text) as RuleTimes
      const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`
      print(`${mode}: ${values.services} services x ${values.endpoints}, from nothing`, ms(times.fromNothing))
      print(`${mode}: the same after a restart`, ms(times.afterRestart))
      print(`${mode}: one endpoint's change`, `p50 ${ms(times.p50)}   p90 ${ms(times.p90)}`)
      print(`${mode}: memory of the proxy's process`, `${times.rssMb.toFixed(0)} MB`)
    } finally {
      execFileSync('ip', ['netns', 'del', namespace])
    }
  }
}

async function ways(): Promise<void> {
  for (const mode of PROXY_MODES) {
    for (const kept of [true, false]) {
      const { direct, service } = await compareWays(mode, { requests: Number(values.requests), kept })
      print(
        `${mode}: a request, ${kept ? 'connection kept' : 'connection of its own'}`,
        `direct ${direct.toFixed(0)} µs   by cluster address ${service.toFixed(0)} µs   rate ${(direct / service).toFixed(3)} of direct`,
      )
    }
  }
}

interface ServerCost {
  cpuSeconds: number
  rssMb: number
}

async function dns(): Promise<void> {
  const server = fork(path.join(folder, 'dns-server.ts'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const port = Number(await new Promise<Buffer>((resolve) => server.stdout!.once('data', resolve)))
  const measure = async (inFlight: number) => {
    server.send('start')
    const load = await loadDns(port, { seconds: Number(values.seconds), inFlight })
    const cost = new Promise<ServerCost>((resolve) => server.once('message', (message) => resolve(message as ServerCost)))
    server.send('end')
    return { ...load, ...(await cost) }
  }
  await measure(10)
  for (const inFlight of [1, 10, 100]) {
    const { answered, lost, seconds, latencies, cpuSeconds, rssMb } = await measure(inFlight)
    const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!.toFixed(2)
    print(
      `DNS, ${inFlight} questions under way`,
      `${(answered / seconds).toFixed(0)}/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   lost ${lost}   ` +
        `${(answered / cpuSeconds).toFixed(0)} a second of processor   ${rssMb.toFixed(0)} MB`,
    )
  }
  server.send('close')
}

const PARTS: Record<string, () => void | Promise<void>> = { rules, ways, dns }
for (const [name, part] of Object.entries(PARTS)) if (!values.only || values.only === name) await part()
