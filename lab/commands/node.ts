/** `kubelab node stop|start`: a power cut on a node, and its return. */
import { callControl } from '../control.ts'
import { DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

export const node: LabCommand = (program) => {
  const group = program.command('node').description('Switch a node of a lab off and on')
  for (const [verb, description, said] of [
    ['stop', 'cut the power of a node: every process on it ends at once', 'stopped'],
    ['start', 'switch a node on again', 'started'],
  ] as const) {
    group
      .command(`${verb} <node>`)
      .description(description)
      .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
      .action(async (name: string, { lab }: { lab: string }) => {
        requireRoot()
        readDefinition(lab)
        await callControl(lab, 'POST', `/nodes/${name}/${verb}`)
        console.log(`node/${name} ${said}`)
      })
  }
}
