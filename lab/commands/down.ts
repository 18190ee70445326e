/** `kubelab down`: stops a lab and takes its processes, namespaces and mounts away; what it holds stays on disk for the next `up`. */
import { rm } from 'node:fs/promises'
import { callControl, findStatus } from '../control.ts'
import { labPaths } from '../definition.ts'
import { wantStopped } from '../guardian.ts'
import { findLab } from '../known-labs.ts'
import { tearDown } from '../tear-down.ts'
import { DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

export const down: LabCommand = (program) => {
  program
    .command('down')
    .description('Stop a lab; its objects, images and volumes stay for the next up')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .action(async ({ lab }: { lab: string }) => {
      requireRoot()
      readDefinition(lab)
      console.log((await stopLab(lab)) ? `kubelab: stopped the lab "${lab}"` : `kubelab: the lab "${lab}" is down already`)
    })
}

/** False when it was not running. */
export async function stopLab(lab: string): Promise<boolean> {
  await wantStopped(lab)
  const running = (await findStatus(lab)) !== null
  if (running) await callControl(lab, 'POST', '/stop')
  else {
    // Without a supervisor its processes have ended with it, but nodes and network outlive it.
    const definition = findLab(lab)
    if (definition) await tearDown(definition)
  }
  await rm(labPaths(lab).run, { recursive: true, force: true })
  return running
}
