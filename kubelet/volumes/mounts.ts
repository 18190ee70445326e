/** From a container's volumeMounts to CRI mounts; sub-paths may not leave their volume, whatever links it holds. */
import { chown, mkdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Container, VolumeMount } from '../../api/generated/types.ts'
import { expand } from '../expand.ts'
import { ContainerConfigError } from '../runtime/container-config.ts'
import type { Mount } from '../runtime/cri-types.ts'

const propagations: Record<string, Mount['propagation']> = {
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
}

export interface MountContext {
  /** Where each volume of the pod is on the node. */
  volumes: ReadonlyMap<string, string>
  env: ReadonlyMap<string, string>
  fsGroup?: number | undefined
}

export async function toMounts(container: Container, context: MountContext): Promise<Mount[]> {
  return Promise.all((container.volumeMounts ?? []).map((mount) => toMount(mount, context)))
}

async function toMount(mount: VolumeMount, context: MountContext): Promise<Mount> {
  const volume = context.volumes.get(mount.name)
  if (volume === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container`)
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, context.env) : mount.subPath
  return {
    containerPath: path.posix.resolve('/', mount.mountPath),
    hostPath: subPath ? await resolveSubPath(volume, subPath, context.fsGroup) : volume,
    readonly: mount.readOnly ?? false,
    propagation: propagations[mount.mountPropagation ?? ''] ?? 'PROPAGATION_PRIVATE',
  }
}

/** Unlike in a command, a name that is not known is an error here. */
function expandStrictly(text: string, env: ReadonlyMap<string, string>): string {
  return expand(text, (name) => {
    const value = env.get(name)
    if (value === undefined) throw new ContainerConfigError(`missing value for "${name}"`)
    return value
  })
}

async function resolveSubPath(volume: string, subPath: string, fsGroup: number | undefined): Promise<string> {
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..'))
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount: subpath "${subPath}" not within volume path`)
  const root = await realpath(volume)
  const target = path.join(root, subPath)
  if (!(await stat(target).catch(() => undefined))) {
    // The deepest folder that is there must be inside before anything is made below it.
    await insideOf(root, await deepestExisting(target), subPath)
    await mkdir(target, { recursive: true, mode: 0o750 })
    if (fsGroup !== undefined) await chown(target, 0, fsGroup)
  }
  return insideOf(root, await realpath(target), subPath)
}

async function deepestExisting(target: string): Promise<string> {
  return realpath(target).catch(() => deepestExisting(path.dirname(target)))
}

async function insideOf(root: string, real: string, subPath: string): Promise<string> {
  if (real !== root && !real.startsWith(`${root}/`))
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount: subpath "${subPath}" not within volume path`)
  return real
}
