/** VolumeRestrictions: volumes that only one pod, or one node, may use at a time. */
import type { Volume } from '../../api/generated/types.ts'
import { freesRoom, refuse, type SchedulerPlugin } from '../framework.ts'

const taken = refuse('node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode')
const noDisk = refuse('node(s) had no available disk')

/** What two volumes must share to be in each other's way; null for kinds that do not mind. */
function diskOf({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): { id: string; readOnly: boolean } | null {
  if (gcePersistentDisk) return { id: `gce:${gcePersistentDisk.pdName}`, readOnly: gcePersistentDisk.readOnly ?? false }
  if (awsElasticBlockStore) return { id: `aws:${awsElasticBlockStore.volumeID}`, readOnly: false }
  if (iscsi) return { id: `iscsi:${iscsi.iqn}:${iscsi.lun}`, readOnly: iscsi.readOnly ?? false }
  if (rbd) return { id: `rbd:${(rbd.monitors ?? []).join(',')}:${rbd.pool ?? ''}:${rbd.image}`, readOnly: rbd.readOnly ?? false }
  return null
}

const disksOf = (volumes: readonly Volume[] = []) => volumes.map(diskOf).filter((disk) => disk !== null)

export const volumeRestrictions: SchedulerPlugin = {
  name: 'VolumeRestrictions',
  preFilter({ pod, claims, namespace, uid }, snapshot) {
    const disks = disksOf(pod.spec.volumes)
    const exclusive = claims.filter((name) =>
      snapshot.cache.of('PersistentVolumeClaim').get({ namespace, name })?.spec.accessModes?.includes('ReadWriteOncePod'),
    )
    const users = exclusive.flatMap((name) => snapshot.usersOfClaim(`${namespace}/${name}`)).filter((user) => user.uid !== uid)
    if (users.length > 0) {
      // Preemption can help where the user runs.
      return {
        counted: true,
        check: (node) => (users.every((user) => node.pods.has(user.uid)) ? taken : { ...taken, final: true }),
      }
    }
    if (disks.length === 0) return null
    return {
      check(node) {
        for (const other of node.pods.values()) {
          for (const held of disksOf(other.pod.spec.volumes)) {
            if (disks.some(({ id, readOnly }) => id === held.id && !(readOnly && held.readOnly))) return noDisk
          }
        }
        return null
      },
    }
  },
  isHelpedBy: (_, event) => freesRoom(event) || event.kind === 'PersistentVolumeClaim',
}
