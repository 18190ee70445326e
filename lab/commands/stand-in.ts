/** `kubelab stand-in`: where and how the processes run that a lab was made without; and yours, run in the place of one of them. */
import { spawn } from 'node:child_process'
import type { LabStatus } from '../control.ts'
import type { LabDefinition } from '../definition.ts'
import { inPlaceOf } from '../in-place.ts'
import type { ProcessSpec } from '../processes.ts'
import { askRunning, DEFAULT_LAB, type LabCommand, readDefinition, requireRoot, table } from './lab-command.ts'

export const standIn: LabCommand = (program) => {
  program
    .command('stand-in [process] [command...]')
    .description(
      'Run your own in the place of a process that the lab was made without: stand-in kubelet-node-1 -- ./kubelet --kubeconfig=…; ' +
        'without a command, say how ours would be run; without a process, which there are',
    )
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .action(async (name: string | undefined, command: string[], { lab }: { lab: string }) => {
      requireRoot()
      const definition = readDefinition(lab)
      const { leftOut } = (await askRunning(lab, 'GET', '/status')) as LabStatus
      if (name === undefined)
        return console.log(leftOut.length > 0 ? listOf(leftOut) : `The lab "${lab}" runs all its parts itself.`)
      const spec = findLeftOut(leftOut, name, lab)
      if (command.length === 0) return console.log(commandText(spec.command))
      process.exitCode = await runThere(definition, spec, command)
    })
}

export function findLeftOut(leftOut: readonly ProcessSpec[], name: string, lab: string): ProcessSpec {
  const found = leftOut.find((spec) => spec.name === name)
  if (found) return found
  const choice = leftOut.length > 0 ? `what it left out is ${leftOut.map((spec) => spec.name).join(', ')}` : 'it left out nothing'
  throw new Error(`Cannot stand in for ${name} in the lab "${lab}": ${choice}`)
}

const listOf = (leftOut: readonly ProcessSpec[]): string =>
  table(
    ['PROCESS', 'RUNS IN'],
    leftOut.map(({ name, node }) => [name, node ?? 'the network of the control plane']),
  ).trimEnd()

/** The program in the first line, then a line a flag: to be read, and to be pasted. */
export function commandText(command: readonly string[]): string {
  const program = command.findIndex((word) => word.endsWith('.js')) + 1
  const lines = [command.slice(0, program), ...command.slice(program).map((flag) => [flag])]
  return lines.map((words) => words.map(quote).join(' ')).join(' \\\n  ')
}

const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)

/** Answers its exit code. What ends this process ends it too. */
async function runThere(lab: LabDefinition, spec: ProcessSpec, command: readonly string[]): Promise<number> {
  const [program, ...words] = inPlaceOf(lab, spec, command)
  const child = spawn(program!, words, { stdio: 'inherit' })
  // A terminal sends its signals to both; what is sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
