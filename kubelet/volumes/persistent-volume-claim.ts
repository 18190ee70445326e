/** persistentVolumeClaim and ephemeral: the folder behind a bound claim, for volumes that are paths of the node. */
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import type { PersistentVolume, PersistentVolumeClaimVolumeSource } from '../../api/generated/types.ts'
import { openHostPath } from './host-path.ts'
import { type DirectoryKind, type VolumeContext, type VolumeDirectory, VolumeError } from './volume-kind.ts'

export const persistentVolumeClaim: DirectoryKind = {
  name: 'pvc',
  matches: (volume) => volume.persistentVolumeClaim !== undefined,
  setUp: ({ persistentVolumeClaim }, context) => openClaim(persistentVolumeClaim!, context),
}

/** The claim was made for this pod and carries its name and the volume's. */
export const ephemeral: DirectoryKind = {
  name: 'ephemeral',
  matches: (volume) => volume.ephemeral !== undefined,
  setUp: ({ name }, context) => openClaim({ claimName: `${context.pod.metadata.name}-${name}` }, context, true),
}

async function openClaim(
  { claimName: name, readOnly }: PersistentVolumeClaimVolumeSource,
  { pod, client }: VolumeContext,
  ownedByPod = false,
): Promise<VolumeDirectory> {
  const namespace = pod.metadata.namespace
  const claim = await client.get('PersistentVolumeClaim', { namespace, name })
  if (ownedByPod && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid))
    throw new VolumeError(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`)
  if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  const volume = await client.get('PersistentVolume', { name: claim.spec.volumeName })
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  return { ...(await openVolume(volume)), readOnly }
}

/** What the local path provisioner gives out belongs to the claim alone: any user may write there, as in upstream's. */
const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const localPathProvisioner = 'kubelab/local-path'

async function openVolume({ metadata, spec }: PersistentVolume): Promise<VolumeDirectory> {
  if (spec?.hostPath) {
    const { path, type = '' } = spec.hostPath
    const isNew = !existsSync(path)
    const directory = await openHostPath({ path, type })
    if (isNew && metadata.annotations?.[provisionedBy] === localPathProvisioner) await chmod(directory, 0o777)
    return { directory, takesGroup: false }
  }
  if (spec?.local) return { directory: await openHostPath({ path: spec.local.path, type: 'Directory' }), takesGroup: true }
  throw new VolumeError(`no volume plugin matched: PersistentVolume ${metadata.name} is neither hostPath nor local`)
}
