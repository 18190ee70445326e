/** persistentVolumeClaim and ephemeral: the folder behind a bound claim, for volumes that are paths of the node. */
import type { PersistentVolume } from '../../api/generated/types.ts'
import { openHostPath } from './host-path.ts'
import { type DirectoryKind, type VolumeContext, VolumeError } from './volume-kind.ts'

export const persistentVolumeClaim: DirectoryKind = {
  name: 'pvc',
  matches: (volume) => volume.persistentVolumeClaim !== undefined,
  setUp: ({ persistentVolumeClaim }, context) => openClaim(persistentVolumeClaim!.claimName, context),
}

/** The claim was made for this pod and carries its name and the volume's. */
export const ephemeral: DirectoryKind = {
  name: 'ephemeral',
  matches: (volume) => volume.ephemeral !== undefined,
  setUp: ({ name }, context) => openClaim(`${context.pod.metadata.name}-${name}`, context, true),
}

async function openClaim(name: string, { pod, client }: VolumeContext, ownedByPod = false): Promise<string> {
  const namespace = pod.metadata.namespace
  const claim = await client.get('PersistentVolumeClaim', { namespace, name })
  if (ownedByPod && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid))
    throw new VolumeError(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`)
  if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  const volume = await client.get('PersistentVolume', { name: claim.spec.volumeName })
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  return openVolume(volume)
}

function openVolume({ metadata, spec }: PersistentVolume): Promise<string> {
  if (spec?.hostPath) return openHostPath({ path: spec.hostPath.path, type: spec.hostPath.type ?? '' })
  if (spec?.local) return openHostPath({ path: spec.local.path, type: 'Directory' })
  throw new VolumeError(`no volume plugin matched: PersistentVolume ${metadata.name} is neither hostPath nor local`)
}
