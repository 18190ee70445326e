/** Mounts the files of an image: CRI in containerd 1.6 has no image mounts, containerd's snapshot service has. */
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Cri, loadService, toGrpcTarget } from './cri-client.ts'

export interface ImageMounts {
  /** Mounts an image that is there, to be read only; the image stays as long as the mount does. */
  mount(imageRef: string, key: string, directory: string): Promise<void>
  /** Forgets what `mount` held under that key; the directory is unmounted already. */
  release(key: string): Promise<void>
  close(): void
}

/** For nodes that run nothing. */
export const noImageMounts: ImageMounts = {
  mount: () => Promise.resolve(),
  release: () => Promise.resolve(),
  close() {},
}

interface SnapshotMount {
  type: string
  source: string
  options: string[]
}

type Call = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, answer: { mounts: SnapshotMount[] }) => void,
) => void

const run = promisify(execFile)
const hasCode = (error: unknown, code: number) => error instanceof Error && 'code' in error && error.code === code

export function createImageMounts(endpoint: string, cri: Cri): ImageMounts {
  const Snapshots = loadService('./containerd-snapshots.proto', 'containerd.services.snapshots.v1', 'Snapshots')
  const client = new Snapshots(toGrpcTarget(endpoint), credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('containerd-namespace', 'k8s.io')

  const call = (name: 'View' | 'Mounts' | 'Remove', request: object): Promise<SnapshotMount[]> =>
    new Promise((resolve, reject) => {
      const method = (client[name] as Call).bind(client)
      method(request, metadata, (error, answer) => (error ? reject(error) : resolve(answer.mounts)))
    })

  /** The snapshotter that CRI uses names the folder that CRI tells. */
  async function snapshotter(): Promise<string> {
    const { imageFilesystems } = await cri.call('ImageFsInfo', {})
    return /snapshotter\.v1\.([^/]+)$/.exec(imageFilesystems[0]?.fsId?.mountpoint ?? '')?.[1] ?? 'overlayfs'
  }

  async function chainOf(imageRef: string): Promise<string> {
    const { info } = await cri.call('ImageStatus', { image: { image: imageRef }, verbose: true })
    const { chainID } = JSON.parse(info?.info ?? '{}') as { chainID?: string }
    if (!chainID) throw new Error(`the runtime does not tell the layers of image ${imageRef}`)
    return chainID
  }

  return {
    async mount(imageRef, key, directory) {
      const [name, parent] = await Promise.all([snapshotter(), chainOf(imageRef)])
      // containerd collects what no container and no root label holds.
      const labels = { 'containerd.io/gc.root': new Date().toISOString() }
      const mounts = await call('View', { snapshotter: name, key, parent, labels }).catch((error: unknown) => {
        if (!hasCode(error, status.ALREADY_EXISTS)) throw error
        return call('Mounts', { snapshotter: name, key })
      })
      for (const { type, source, options } of mounts)
        await (type === 'bind'
          ? run('mount', ['--bind', '-o', 'ro', source, directory])
          : run('mount', ['-t', type, '-o', options.join(','), source, directory]))
    },
    async release(key) {
      await call('Remove', { snapshotter: await snapshotter(), key }).catch((error: unknown) => {
        if (!hasCode(error, status.NOT_FOUND)) throw error
      })
    },
    close: () => client.close(),
  }
}
