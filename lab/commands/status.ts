/** `kubelab status`: what a lab is made of and how each part fares. */
import { readFileSync } from 'node:fs'
import { findStatus, type LabStatus } from '../control.ts'
import { apiServerUrl } from '../definition.ts'
import { troubleNow } from '../trouble.ts'
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
      for (const line of await troubleNow(found)) console.log(line)
    })
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
