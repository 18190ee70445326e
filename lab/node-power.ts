/** The nodes of a running lab, switched on and off. What a person switched off stays off while supervisors come and go. */
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createCgroups } from './cgroups.ts'
import { type LabDefinition, labPaths } from './definition.ts'
import { createNodeNetwork } from './network.ts'
import { powerOff, powerOn, prepareNodeFiles } from './node-machine.ts'
import type { RunningLab } from './running-lab.ts'

/** With its network and its processes. */
export async function startMachine({ lab, supervisor, plan }: RunningLab, node: string): Promise<void> {
  await Promise.all([createNodeNetwork(lab, node), prepareNodeFiles(lab, node)])
  await powerOn(lab, node)
  // Ours makes its own; upstream's wants to find it.
  if (lab.without?.includes('kubelet')) createCgroups(lab, node)
  supervisor.start(plan((spec) => spec.node === node))
}

export async function switchOn(running: RunningLab, node: string): Promise<void> {
  assertNode(running.lab, node)
  await rm(offMarker(running.lab, node), { force: true })
  await startMachine(running, node)
}

export async function switchOff({ lab, supervisor }: RunningLab, node: string): Promise<void> {
  assertNode(lab, node)
  await writeFile(offMarker(lab, node), '')
  await supervisor.stop((spec) => spec.node === node)
  await powerOff(lab, node)
}

export const isSwitchedOff = (lab: LabDefinition, node: string): boolean => existsSync(offMarker(lab, node))

/** Present while a person has switched the node off; a restarted supervisor leaves it off, a reboot does not. */
const offMarker = (lab: LabDefinition, node: string) => path.join(labPaths(lab.name).run, 'nodes', node, 'off')

function assertNode(lab: LabDefinition, node: string): void {
  if (!lab.nodes.includes(node)) throw new Error(`Cannot find node ${node}: the lab has ${lab.nodes.join(', ')}`)
}
