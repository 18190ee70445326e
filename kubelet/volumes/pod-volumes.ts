/** The volumes of one pod: set up together, payload ones rewritten when what they show changes, taken down at the end. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { messageOf } from '../../api/error-message.ts'
import type { Volume } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import { writePayload } from './atomic-writer.ts'
import { ImageVolumeError } from './image.ts'
import { VOLUME_KINDS } from './kinds.ts'
import { soleUser } from './projected.ts'
import { removeSubPaths } from './sub-path.ts'
import {
  isPayloadKind,
  type VolumeContext,
  VolumeError,
  type VolumeKeepers,
  type VolumeKind,
  type VolumePlace,
} from './volume-kind.ts'
import { applyFsGroup } from './volume-owner.ts'

export interface PodVolumes {
  /** Rejects with the first problem; call it again to go on. */
  setUp(context: VolumeContext): Promise<void>
  /** Writes payload volumes again where their content changed. */
  refresh(context: VolumeContext): Promise<void>
  places(): ReadonlyMap<string, VolumePlace>
}

export function createPodVolumes(clock: Clock): PodVolumes {
  const done = new Map<string, VolumePlace>()
  return {
    places: () => done,
    async setUp(context) {
      const { volumes = [] } = context.pod.spec
      await Promise.all(
        volumes
          .filter(({ name }) => !done.has(name))
          .map(async (volume) => {
            done.set(volume.name, await setUpOne(volume, context, clock.now()))
          }),
      )
    },
    async refresh(context) {
      for (const volume of context.pod.spec.volumes ?? [])
        if (done.has(volume.name) && isPayloadKind(kindOf(volume))) await setUpOne(volume, context, clock.now())
    },
  }
}

function kindOf(volume: Volume): VolumeKind {
  const kind = VOLUME_KINDS.find((candidate) => candidate.matches(volume))
  if (!kind) throw new VolumeError('failed to get Plugin from volumeSpec: no volume plugin matched')
  return kind
}

async function setUpOne(volume: Volume, context: VolumeContext, now: Date): Promise<VolumePlace> {
  const { pod, paths } = context
  try {
    const kind = kindOf(volume)
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
    if (isPayloadKind(kind)) {
      const directory = paths.memoryVolumeDirectory(pod.metadata.uid, kind.name, volume.name)
      const user = kind.name === 'projected' ? soleUser(pod.spec) : undefined
      await writePayload(directory, await kind.payload(volume, context), { fsGroup, user }, now)
      // As upstream: what the API says is not for containers to change.
      return { directory, readOnly: true, isDevice: false }
    }
    const { directory, takesGroup, readOnly = false, isDevice = false } = await kind.setUp(volume, context)
    if (fsGroup !== undefined && takesGroup) await applyFsGroup(directory, fsGroup, fsGroupChangePolicy)
    return { directory, readOnly, isDevice }
  } catch (error) {
    if (error instanceof ImageVolumeError) throw error
    throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Everything of a pod's volumes on this node goes, also what an earlier kubelet made. */
export async function tearDownVolumes(uid: string, keepers: VolumeKeepers): Promise<void> {
  const { paths, mounts } = keepers
  await removeSubPaths(paths.subPathRoot(uid), mounts)
  for (const kind of VOLUME_KINDS) {
    if (isPayloadKind(kind)) continue
    const folder = path.dirname(paths.volumeDirectory(uid, kind.name, 'x'))
    for (const name of await readdir(folder).catch(() => [])) {
      await kind.tearDown?.(name, { ...keepers, uid })
      const directory = path.join(folder, name)
      // Rejects with a mount that refuses to go: deleting into it would delete what is mounted.
      if (await mounts.isMountPoint(directory)) await mounts.unmount(directory)
      await rm(directory, { recursive: true, force: true })
    }
  }
  await rm(path.dirname(path.dirname(paths.memoryVolumeDirectory(uid, 'x', 'x'))), { recursive: true, force: true })
}
