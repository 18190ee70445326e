/**
 * The API server under load: create, get, list, patch, watch, delete; start-up time and memory of our own.
 *
 * `node bench/api.ts` starts our server on an etcd of its own. `--server URL --token T` measures one that runs;
 * `--peer URL --peer-token T` does each work on a second one right after and prints the ratio, which is what counts on a shared
 * machine. `wrk` makes the load. With `--pids` and `--peer-pids` the CPU time of a request is told, too.
 */
import { readFileSync } from 'node:fs'
import { defineFlags, parseFlags } from '../component/flags.ts'
import { measureAuthCost } from './api/auth-cost.ts'
import type { BenchServer, Rate } from './api/client.ts'
import { startOwnServer } from './api/own-server.ts'
import { prepare, WORKS } from './api/works.ts'

const { flags } = parseFlags(
  defineFlags({
    clients: { type: 'int', description: 'Requests at once.', default: 16 },
    'node-options': { type: 'list', description: 'Options of Node for our server.', default: [] },
    only: { type: 'list', description: 'Works to do: get,list,patch,watch,auth (create and delete always).', default: [] },
    peer: { type: 'string', description: 'URL of a second server.', default: '' },
    'peer-pids': { type: 'list', description: 'Its process id, and that of its etcd.', default: [] },
    'peer-token': { type: 'string', description: 'Its token.', default: '' },
    pids: { type: 'list', description: 'Process id of the server, and of its etcd.', default: [] },
    pods: { type: 'int', description: 'How many pods.', default: 2000 },
    profile: { type: 'string', description: "Folder for a CPU profile of our server's whole run.", default: '' },
    seconds: { type: 'int', description: 'Length of each read.', default: 3 },
    server: { type: 'string', description: 'URL of the server; ours is started without.', default: '' },
    token: { type: 'string', description: 'Its token.', default: '' },
    'warm-up': { type: 'int', description: 'Pods written before anything is measured.', default: 500 },
    watchers: { type: 'int', description: 'How many watch at once.', default: 50 },
  }),
  process.argv.slice(2),
  'bench/api.ts',
)

interface Measured extends Rate {
  /** Of each of the server's processes, in microseconds a request. */
  cpu: number[]
}

const ALWAYS = ['create', 'delete']
const isWanted = (group: string) => flags.only.length === 0 || flags.only.includes(group) || ALWAYS.includes(group)

/** In microseconds, as exact as the kernel tells it: to 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function measured(server: BenchServer, run: (server: BenchServer) => Promise<Rate>): Promise<Measured> {
  const before = server.pids.map(cpuOf)
  const rate = await run(server)
  return { ...rate, cpu: server.pids.map((pid, index) => (cpuOf(pid) - before[index]!) / Math.max(1, rate.count)) }
}

const figures = ({ perSecond, p50, p99, cpu }: Measured) =>
  [
    `${perSecond.toFixed(0).padStart(7)}/s`,
    p50 > 0 ? `p50 ${p50.toFixed(2).padStart(6)} p99 ${p99.toFixed(1).padStart(5)} ms` : ' '.repeat(24),
    `CPU ${cpu.map((each) => each.toFixed(0)).join('+')} µs`.padEnd(15),
  ].join('  ')

const servers: BenchServer[] = []
const own = flags.server
  ? undefined
  : await startOwnServer([...flags['node-options'], ...(flags.profile ? ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`] : [])])
servers.push(own ?? { url: flags.server, token: flags.token, pids: flags.pids.map(Number) })
if (flags.peer) servers.push({ url: flags.peer, token: flags['peer-token'], pids: flags['peer-pids'].map(Number) })
if (own) console.log(`ready after ${own.readyMs.toFixed(0)} ms, ${own.memory().toFixed(0)} MB`)
try {
  for (const server of servers) await prepare(server, flags, flags['warm-up'])
  for (const { name, run } of WORKS.filter(({ group }) => isWanted(group))) {
    const rates: Measured[] = []
    for (const server of servers) rates.push(await measured(server, (each) => run(each, flags)))
    const [ours, peer] = rates
    const ratio = peer ? `  |${figures(peer)}  ratio ${(ours!.perSecond / peer.perSecond).toFixed(2)}` : ''
    console.log(`${name.padEnd(20)} ${figures(ours!)}${ratio}`)
  }
  if (own) console.log(`after the run ${own.memory().toFixed(0)} MB`)
  if (isWanted('auth')) for (const line of await measureAuthCost()) console.log(line)
} finally {
  await own?.stop()
}
