/** `kubelab status`: what a lab is made of and how each part fares. */
import { existsSync, readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { findStatus, type LabStatus } from '../control.ts'
import { apiServerUrl, labPaths } from '../definition.ts'
import { DEFAULT_LAB, type LabCommand, ofLab, readDefinition, requireRoot, table } from './lab-command.ts'

export const status: LabCommand = (program) => {
  program
    .command('status')
    .description('Show the nodes and processes of a lab')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .option('-o, --output <format>', 'json for machines')
    .action(async ({ lab, output }: { lab: string; output?: string }) => {
      requireRoot()
      const definition = readDefinition(lab)
      const found = await findStatus(lab)
      if (output === 'json') return console.log(JSON.stringify(found ?? { name: lab, phase: 'down' }, null, 2))
      if (!found) return console.log(`The lab "${lab}" is down. 'kubelab up${ofLab(lab)}' brings it up as it was.`)
      console.log(`lab ${lab}: ${found.phase}, API server ${apiServerUrl(definition)}\n`)
      console.log(
        table(
          ['NODE', 'ADDRESS', 'POWER'],
          found.nodes.map(({ name, address, power }) => [name, address, power]),
        ),
      )
      console.log(table(['PROCESS', 'STATE', 'PID', 'RESTARTS', 'MEMORY'], processRows(found)))
      const { etcd, state } = labPaths(lab)
      for (const line of troubleOf(found, await freeBytes(existsSync(etcd) ? etcd : state))) console.log(line)
    })
}

const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Less than this and etcd, which sets 64 MB aside for each of its log files, may not live. */
const leastFreeBytes = 200 * 1024 * 1024

/** Pure: what a person should know that the tables do not say, and where to look. */
export function troubleOf({ name, processes }: LabStatus, free: number): string[] {
  const failing = processes.filter(({ state }) => state === 'backoff')
  return [
    ...(free < leastFreeBytes
      ? [`The disk of the lab is full: ${Math.floor(free / 1024 / 1024)} MB are left. Make room on it`]
      : []),
    ...failing.map((each) => `${each.name} cannot stay up: 'kubelab lab-logs ${each.name}${ofLab(name)}' says why`),
  ]
}

const processRows = ({ processes, leftOut }: LabStatus) => [
  ...processes.map(({ name, state, pid, restarts }) => [
    name,
    state,
    pid ? String(pid) : '-',
    String(restarts),
    pid ? memory(pid) : '-',
  ]),
  ...leftOut.map(({ name }) => [name, 'left out', '-', '-', '-']),
]

/** Resident memory of the process; of its child where the pid is that of the program that entered the node for it. */
function memory(pid: number): string {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    const own = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'nsenter' && children[0] ? children[0] : String(pid)
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${own}/status`, 'utf8'))?.[1] ?? 0)
    return `${Math.round(kilobytes / 1024)} MB`
  } catch {
    return '-'
  }
}
