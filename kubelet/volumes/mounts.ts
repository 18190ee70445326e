/** From a container's volumeMounts to CRI mounts, and from its volumeDevices to CRI devices. */
import path from 'node:path'
import type { Container, VolumeMount } from '../../api/generated/types.ts'
import { expand } from '../expand.ts'
import { ContainerConfigError } from '../runtime/container-config.ts'
import type { ContainerConfig, Mount } from '../runtime/cri-types.ts'
import type { Mounts } from './file-systems.ts'
import { bindSubPath } from './sub-path.ts'
import type { VolumePlace } from './volume-kind.ts'

const propagations: Record<string, Mount['propagation']> = {
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
}

export interface MountContext {
  /** Where each volume of the pod is on the node. */
  volumes: ReadonlyMap<string, VolumePlace>
  env: ReadonlyMap<string, string>
  mounts: Mounts
  /** Where the parts of volumes are bound that this container mounts. */
  subPathTarget(volume: string, index: number): string
}

export async function toMounts(container: Container, context: MountContext): Promise<Mount[]> {
  return Promise.all((container.volumeMounts ?? []).map((mount, index) => toMount(mount, index, context)))
}

async function toMount(mount: VolumeMount, index: number, context: MountContext): Promise<Mount> {
  const volume = context.volumes.get(mount.name)
  if (volume === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container`)
  // containerd 1.6 leaves what is mounted below writable.
  if (mount.recursiveReadOnly === 'Enabled')
    throw new ContainerConfigError(
      `failed to resolve recursive read-only mode: volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`,
    )
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, context.env) : mount.subPath
  const target = subPath ? context.subPathTarget(mount.name, index) : volume.directory
  if (subPath) await bindSubPath(volume.directory, subPath, target, context.mounts)
  return {
    containerPath: path.posix.resolve('/', mount.mountPath),
    hostPath: target,
    readonly: volume.readOnly || (mount.readOnly ?? false),
    propagation: propagations[mount.mountPropagation ?? ''] ?? 'PROPAGATION_PRIVATE',
  }
}

export const toDevices = (container: Container, volumes: ReadonlyMap<string, VolumePlace>): ContainerConfig['devices'] =>
  (container.volumeDevices ?? []).map(({ name, devicePath }) => {
    const volume = volumes.get(name)
    if (!volume?.isDevice) throw new ContainerConfigError(`cannot find volume "${name}" to pass into container`)
    return { containerPath: devicePath, hostPath: volume.directory, permissions: volume.readOnly ? 'r' : 'mrw' }
  })

/** Unlike in a command, a name that is not known is an error here. */
function expandStrictly(text: string, env: ReadonlyMap<string, string>): string {
  return expand(text, (name) => {
    const value = env.get(name)
    if (value === undefined) throw new ContainerConfigError(`missing value for "${name}"`)
    return value
  })
}
