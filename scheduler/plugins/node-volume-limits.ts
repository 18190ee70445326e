/** NodeVolumeLimits: a CSI driver says how many of its volumes a node can have attached. */
import type { Cache } from '../../client/cache.ts'
import { freesRoom, refuse, type SchedulerPlugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { storageClassOf } from '../volume-claims.ts'

const refusal = refuse('node(s) exceed max volume count')

/** Volumes by handle, with their driver. A claim that is not bound yet counts as one of its class's driver. */
function volumesOf({ claims, namespace }: PodInfo, cache: Cache): Map<string, string> {
  const volumes = new Map<string, string>()
  for (const name of claims) {
    const claim = cache.of('PersistentVolumeClaim').get({ namespace, name })
    if (!claim) continue
    const csi = claim.spec.volumeName ? cache.of('PersistentVolume').get(claim.spec.volumeName)?.spec?.csi : undefined
    if (csi) volumes.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver)
    else if (!claim.spec.volumeName) {
      const driver = cache.of('StorageClass').get(storageClassOf(claim))?.provisioner
      if (driver) volumes.set(`${driver}/${namespace}/${name}`, driver)
    }
  }
  return volumes
}

export const nodeVolumeLimits: SchedulerPlugin = {
  name: 'NodeVolumeLimits',
  preFilter(pod, { cache }) {
    if (pod.claims.length === 0) return null
    const wanted = volumesOf(pod, cache)
    if (wanted.size === 0) return null
    return {
      check(node) {
        const drivers = cache.of('CSINode').get(node.name)?.spec.drivers ?? []
        const limits = new Map(drivers.map(({ name, allocatable }) => [name, allocatable?.count]))
        if (![...wanted.values()].some((driver) => limits.get(driver) !== undefined)) return null
        const attached = new Map(wanted)
        for (const other of node.pods.values())
          for (const [volume, driver] of volumesOf(other, cache)) attached.set(volume, driver)
        for (const driver of new Set(wanted.values())) {
          const limit = limits.get(driver)
          if (limit !== undefined && [...attached.values()].filter((each) => each === driver).length > limit) return refusal
        }
        return null
      },
    }
  },
  isHelpedBy: (_, event) => freesRoom(event) || event.kind === 'CSINode' || event.kind === 'PersistentVolumeClaim',
}
