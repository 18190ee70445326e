/** Takes away what is left of a lab when its processes are gone: nodes, network, cgroups. Also right when only parts of it stand. */
import { removeCgroups } from './cgroups.ts'
import type { LabDefinition } from './definition.ts'
import { closeInternet, deleteNetwork } from './network.ts'
import { powerOff } from './node-machine.ts'

export async function tearDown(lab: LabDefinition): Promise<void> {
  await Promise.all(lab.nodes.map((node) => powerOff(lab, node)))
  if (lab.internet) await closeInternet(lab)
  await deleteNetwork(lab)
  removeCgroups(lab)
}
