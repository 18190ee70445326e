/** `kubelab kubeconfig`: prints the administrator's kubeconfig of a lab. */
import { readFile } from 'node:fs/promises'
import { labPaths } from '../definition.ts'
import { DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

export const kubeconfig: LabCommand = (program) => {
  program
    .command('kubeconfig')
    .description("Print a lab's kubeconfig")
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .action(async ({ lab }: { lab: string }) => {
      requireRoot()
      readDefinition(lab)
      process.stdout.write(await readFile(labPaths(lab).adminKubeconfig, 'utf8'))
    })
}
