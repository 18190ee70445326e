/** The volumes of one pod: set up together, payload ones rewritten when what they show changes, taken down at the end. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Volume } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import type { KubeletPaths } from '../paths.ts'
import { writePayload } from './atomic-writer.ts'
import { isMountPoint } from './empty-dir.ts'
import { VOLUME_KINDS } from './kinds.ts'
import { soleUser } from './projected.ts'
import { isPayloadKind, type VolumeContext, VolumeError, type VolumeKind } from './volume-kind.ts'
import { applyFsGroup } from './volume-owner.ts'

export interface PodVolumes {
  /** Rejects with the first problem; call it again to go on. */
  setUp(context: VolumeContext): Promise<void>
  /** Writes payload volumes again where their content changed. */
  refresh(context: VolumeContext): Promise<void>
  paths(): ReadonlyMap<string, string>
}

export function createPodVolumes(clock: Clock): PodVolumes {
  const done = new Map<string, string>()
  return {
    paths: () => done,
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

async function setUpOne(volume: Volume, context: VolumeContext, now: Date): Promise<string> {
  const { pod, paths } = context
  try {
    const kind = kindOf(volume)
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
    if (isPayloadKind(kind)) {
      const directory = paths.memoryVolumeDirectory(pod.metadata.uid, kind.name, volume.name)
      const user = kind.name === 'projected' ? soleUser(pod.spec) : undefined
      await writePayload(directory, await kind.payload(volume, context), { fsGroup, user }, now)
      return directory
    }
    const directory = await kind.setUp(volume, context)
    // Upstream leaves the node's own folders as they are.
    if (fsGroup !== undefined && kind.name === 'empty-dir') await applyFsGroup(directory, fsGroup, fsGroupChangePolicy)
    return directory
  } catch (error) {
    throw new VolumeError(
      `MountVolume.SetUp failed for volume "${volume.name}" : ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}

/** Everything of a pod's volumes on this node goes, also what an earlier kubelet made. */
export async function tearDownVolumes(uid: string, paths: KubeletPaths): Promise<void> {
  const emptyDirs = path.dirname(paths.volumeDirectory(uid, 'empty-dir', 'x'))
  for (const name of await readdir(emptyDirs).catch(() => [])) {
    const kind = VOLUME_KINDS.find((candidate) => candidate.name === 'empty-dir')
    if (kind && !isPayloadKind(kind)) await kind.tearDown?.(name, { uid, paths })
    const directory = path.join(emptyDirs, name)
    // Deleting into a mount that refused to go would delete what is mounted.
    if (!(await isMountPoint(directory))) await rm(directory, { recursive: true, force: true })
  }
  await rm(path.dirname(path.dirname(paths.memoryVolumeDirectory(uid, 'x', 'x'))), { recursive: true, force: true })
}
