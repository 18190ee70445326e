/** `kubelab delete` without arguments after it: stops a lab and removes all that it left on this machine. */
import { rm, rmdir } from 'node:fs/promises'
import { labPaths, labNameComplaint } from '../definition.ts'
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
  await stopLab(lab)
  await removeContext(lab)
  await rm(labPaths(lab).state, { recursive: true, force: true })
  for (const folder of MOUNT_POINTS) await rmdir(folder).catch(ignoreInUse)
  console.log(`kubelab: deleted the lab "${lab}"`)
}

function ignoreInUse(error: NodeJS.ErrnoException) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT' && error.code !== 'EBUSY') throw error
}
