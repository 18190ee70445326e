/** `kubelab delete` without arguments after it: stops a lab and removes all that it left on this machine. */
import { existsSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { labPaths, labNameComplaint } from '../definition.ts'
import { findLab, labNames } from '../known-labs.ts'
import { removeBlackholes } from '../network.ts'
import { removeContext } from '../user-kubeconfig.ts'
import { stopLab } from './down.ts'
import { requireRoot } from './lab-command.ts'

/** Folders of the host that nodes mount theirs over; when a lab made them, they are empty and go with it. */
const MOUNT_POINTS = ['/var/lib/kubelet', '/var/lib/cni', '/var/log/pods', '/var/log/containers', '/run/kubelab']

/** Also right for a lab that never came up whole, or of which only the folder is left. */
export async function deleteLab(lab: string): Promise<void> {
  requireRoot()
  const complaint = labNameComplaint(lab)
  if (complaint) throw new Error(`Cannot delete the lab "${lab}": ${complaint}`)
  const { state } = labPaths(lab)
  const wasThere = existsSync(state)
  await stopLab(lab)
  const definition = findLab(lab)
  if (definition) await removeBlackholes(definition, { isLast: labNames().every((name) => name === lab) })
  await removeContext(lab)
  await rm(state, { recursive: true, force: true })
  for (const folder of MOUNT_POINTS) await rmdir(folder).catch(ignoreInUse)
  const others = labNames()
  const hint = others.length > 0 ? `. The labs of this machine: ${others.join(', ')}` : ''
  console.log(wasThere ? `kubelab: deleted the lab "${lab}"` : `kubelab: there is no lab "${lab}"${hint}`)
}

function ignoreInUse(error: NodeJS.ErrnoException) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT' && error.code !== 'EBUSY') throw error
}
