/** persistentVolumeClaim and ephemeral: the folder or device behind a bound claim, for volumes that are paths of the node. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, stat } from 'node:fs/promises'
import type {
  LocalVolumeSource,
  PersistentVolume,
  PersistentVolumeClaimVolumeSource,
  PersistentVolumeSpec,
  Pod,
} from '../../api/generated/types.ts'
import { containersOf } from '../pods/pod-spec.ts'
import { openHostPath } from './host-path.ts'
import type { Mounts } from './file-systems.ts'
import { type DirectoryKind, type VolumeContext, type VolumeDirectory, VolumeError } from './volume-kind.ts'

export const persistentVolumeClaim: DirectoryKind = {
  name: 'pvc',
  matches: (volume) => volume.persistentVolumeClaim !== undefined,
  setUp: ({ name, persistentVolumeClaim }, context) => openClaim(name, persistentVolumeClaim!, context),
}

/** The claim was made for this pod and carries its name and the volume's. */
export const ephemeral: DirectoryKind = {
  name: 'ephemeral',
  matches: (volume) => volume.ephemeral !== undefined,
  setUp: ({ name }, context) => openClaim(name, { claimName: `${context.pod.metadata.name}-${name}` }, context, true),
}

async function openClaim(
  volumeName: string,
  { claimName: name, readOnly }: PersistentVolumeClaimVolumeSource,
  context: VolumeContext,
  ownedByPod = false,
): Promise<VolumeDirectory> {
  const { pod, client } = context
  const namespace = pod.metadata.namespace
  const claim = await client.get('PersistentVolumeClaim', { namespace, name })
  if (ownedByPod && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid))
    throw new VolumeError(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`)
  if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  const volume = await client.get('PersistentVolume', { name: claim.spec.volumeName })
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
    throw new VolumeError(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  checkMode(pod, volumeName, volume.spec.volumeMode)
  const folder = context.paths.volumeDirectory(pod.metadata.uid, ownedByPod ? 'ephemeral' : 'pvc', volumeName)
  return { ...(await openVolume(volume, folder, context.mounts)), readOnly }
}

/** What the local path provisioner gives out belongs to the claim alone: any user may write there, as in upstream's. */
const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const localPathProvisioner = 'kubelab/local-path'

async function openVolume({ metadata, spec }: PersistentVolume, folder: string, mounts: Mounts): Promise<VolumeDirectory> {
  if (spec?.local) return openLocal(spec, spec.local, folder, mounts)
  if (spec?.hostPath && spec.volumeMode !== 'Block') {
    const { path, type = '' } = spec.hostPath
    const isNew = !existsSync(path)
    const directory = await openHostPath({ path, type })
    if (isNew && metadata.annotations?.[provisionedBy] === localPathProvisioner) await chmod(directory, 0o777)
    return { directory, takesGroup: false }
  }
  throw new VolumeError(`no volume plugin matched: PersistentVolume ${metadata.name} is neither local nor a folder of hostPath`)
}

/** A folder as it is; a block device as it is, or mounted for this pod: the kernel shares one file system among all its mounts. */
async function openLocal(
  { volumeMode, mountOptions = [] }: PersistentVolumeSpec,
  { path, fsType }: LocalVolumeSource,
  folder: string,
  mounts: Mounts,
): Promise<VolumeDirectory> {
  if (volumeMode === 'Block')
    return { directory: await openHostPath({ path, type: 'BlockDevice' }), takesGroup: false, isDevice: true }
  const isDevice = await stat(path).then(
    (stats) => stats.isBlockDevice(),
    () => false,
  )
  if (!isDevice) return { directory: await openHostPath({ path, type: 'Directory' }), takesGroup: true }
  await mkdir(folder, { recursive: true })
  if (!(await mounts.isMountPoint(folder)))
    await mounts.mountDevice(path, folder, { fsType: fsType || 'ext4', options: mountOptions })
  return { directory: folder, takesGroup: true }
}

/** The claim's mode is known only now, and a container may have asked for the other. */
function checkMode(pod: Pod, volume: string, mode = 'Filesystem'): void {
  const wrong = mode === 'Block' ? 'volumeMounts' : 'volumeDevices'
  if (containersOf(pod).some((container) => container[wrong]?.some(({ name }) => name === volume)))
    throw new VolumeError(`volume ${volume} has volumeMode ${mode}, but is specified in ${wrong}`)
}
