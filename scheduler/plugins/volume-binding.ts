/** VolumeBinding: a pod goes where its volumes are, or can be made; claims that wait for their first consumer learn the node. */
import type { PersistentVolumeClaim } from '../../api/generated/types.ts'
import { isNodeChange, refuseForGood, type PreparedFilter, type SchedulerPlugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Snapshot } from '../snapshot.ts'
import { isBound, isReachable, planClaims, waitsForConsumer } from '../volume-claims.ts'

const conflict = refuseForGood("node(s) didn't match PersistentVolume's node affinity")
const noVolume = refuseForGood("node(s) didn't find available persistent volumes to bind")
const noCapacity = refuseForGood('node(s) did not have enough free storage')
const lostVolume = refuseForGood('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)')

export const volumeBinding: SchedulerPlugin = {
  name: 'VolumeBinding',
  preFilter(pod, snapshot): PreparedFilter {
    if (pod.claims.length === 0) return null
    const claims = pod.claims.map((name) => snapshot.cache.of('PersistentVolumeClaim').get({ namespace: pod.namespace, name }))
    const problem = claims.map((claim, index) => problemOf(claim, pod.claims[index]!, pod)).find((each) => each !== null)
    if (problem) return { refusal: refuseForGood(problem) }
    const present = claims.filter((claim) => claim !== undefined)
    const waiting = present.filter((claim) => !isBound(claim))
    if (waiting.some((claim) => !waitsForConsumer(claim, snapshot.cache))) {
      return { refusal: refuseForGood('pod has unbound immediate PersistentVolumeClaims') }
    }
    const bound = present.filter(isBound)
    return {
      check({ node }) {
        for (const { spec } of bound) {
          const volume = snapshot.cache.of('PersistentVolume').get(spec.volumeName!)
          if (!volume) return lostVolume
          if (!isReachable(volume, node)) return conflict
        }
        const plan = planClaims(waiting, node, snapshot.cache)
        if (plan === 'capacity') return noCapacity
        return plan === 'volume' ? noVolume : null
      },
    }
  },
  preBind(pod, { node }, snapshot) {
    const plan = planClaims(unboundClaims(pod, snapshot), node, snapshot.cache)
    return typeof plan === 'string' ? [] : [...plan]
  },
  isHelpedBy: (_, event) =>
    isNodeChange(event) ||
    ['PersistentVolumeClaim', 'PersistentVolume', 'StorageClass', 'CSINode', 'CSIDriver', 'CSIStorageCapacity'].includes(
      event.kind,
    ),
}

function unboundClaims(pod: PodInfo, { cache }: Snapshot): PersistentVolumeClaim[] {
  return pod.claims
    .map((name) => cache.of('PersistentVolumeClaim').get({ namespace: pod.namespace, name }))
    .filter((claim) => claim !== undefined && !isBound(claim)) as PersistentVolumeClaim[]
}

/** Why this claim lets the pod go nowhere. */
function problemOf(claim: PersistentVolumeClaim | undefined, name: string, { pod }: PodInfo): string | null {
  const isEphemeral = pod.spec.volumes?.some((volume) => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name)
  if (!claim) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`
  }
  if (isEphemeral && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid)) {
    return `PVC ${claim.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
  }
  if (claim.status?.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`
  }
  return claim.metadata.deletionTimestamp === undefined ? null : `persistentvolumeclaim "${name}" is being deleted`
}
