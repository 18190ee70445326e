/** `kubelab lab-logs`: what the processes of a lab say: API server, kubelets and the rest. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { labPaths } from '../definition.ts'
import { DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

export const labLogs: LabCommand = (program) => {
  program
    .command('lab-logs [process]')
    .description('Show what a process of a lab says (kubelet-node-1, kube-apiserver, …); without a name, which there are')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .option('-f, --follow', 'go on showing')
    .option('--tail <lines>', 'how many of the last lines', '100')
    .action(async (name: string | undefined, { lab, follow, tail }: { lab: string; follow?: boolean; tail: string }) => {
      requireRoot()
      readDefinition(lab)
      const folder = labPaths(lab).logs
      const names = readdirSync(folder)
        .filter((file) => file.endsWith('.log'))
        .map((file) => file.slice(0, -'.log'.length))
      if (!name) return console.log(names.join('\n'))
      if (!names.includes(name)) throw new Error(`Cannot find the process ${name}: there are ${names.join(', ')}`)
      const child = spawn('tail', ['-n', tail, ...(follow ? ['-F'] : []), path.join(folder, `${name}.log`)], { stdio: 'inherit' })
      await new Promise((resolve) => child.once('exit', resolve))
    })
}
