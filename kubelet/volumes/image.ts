/** image: the files of an image, to be read only. */
import { mkdir } from 'node:fs/promises'
import type { ImageFact, Waiting } from '../pods/pod-facts.ts'
import { type DirectoryKind, VolumeError } from './volume-kind.ts'

/** The image cannot be had now: what mounts it waits as a container of that image would. */
export class ImageVolumeError extends VolumeError {
  override name = 'ImageVolumeError'
  readonly volume: string
  readonly failure: Waiting & { untilMs: number }
  constructor(volume: string, failure: NonNullable<ImageFact['failure']>) {
    super(failure.message)
    this.volume = volume
    this.failure = failure
  }
}

const keyOf = (uid: string, name: string): string => `kubelab-volume-${uid}-${name}`

export const image: DirectoryKind = {
  name: 'image',
  matches: (volume) => volume.image !== undefined,
  async setUp({ name, image }, { pod, paths, mounts, images, ensureImage }) {
    const { uid } = pod.metadata
    const directory = paths.volumeDirectory(uid, 'image', name)
    await mkdir(directory, { recursive: true })
    if (!(await mounts.isMountPoint(directory))) {
      const { imageRef, failure } = await ensureImage(name, image!.reference ?? '', image!.pullPolicy)
      if (failure) throw new ImageVolumeError(name, failure)
      await images.mount(imageRef ?? '', keyOf(uid, name), directory)
    }
    return { directory, takesGroup: false, readOnly: true }
  },
  async tearDown(name, { uid, paths, mounts, images }) {
    const directory = paths.volumeDirectory(uid, 'image', name)
    if (await mounts.isMountPoint(directory)) await mounts.unmount(directory)
    await images.release(keyOf(uid, name))
  },
}
