/** Writes a one-layer OCI image archive from a list of files: no Docker, no registry, the same bytes for the same input. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'

export type ImageFile =
  | { path: string; content: Buffer; mode?: number }
  | { path: string; link: string }
  | { path: string; folder: true; mode?: number }

export interface ImageConfig {
  /** Full name with registry and tag; containerd finds it by exactly this. */
  name: string
  entrypoint?: string[]
  command?: string[]
  env?: string[]
  user?: string
  labels?: Record<string, string>
}

const EPOCH = new Date(0)
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const architecture = () => (process.arch === 'x64' ? 'amd64' : process.arch)

async function tar(files: ImageFile[]): Promise<Buffer> {
  const archive = pack()
  for (const file of files) {
    const common = { name: file.path.replace(/^\//, ''), mtime: EPOCH, uid: 0, gid: 0 }
    if ('link' in file) archive.entry({ ...common, type: 'symlink', linkname: file.link })
    else if ('folder' in file) archive.entry({ ...common, type: 'directory', mode: file.mode ?? 0o755 })
    else archive.entry({ ...common, mode: file.mode ?? 0o644 }, file.content)
  }
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Makes the archive at `target`; `ctr images import` and `kubelab image load` take it. */
export async function writeOciArchive(target: string, config: ImageConfig, files: ImageFile[]): Promise<void> {
  const layer = await tar(files)
  const image = Buffer.from(
    JSON.stringify({
      created: EPOCH.toISOString(),
      architecture: architecture(),
      os: 'linux',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(config.env ?? [])],
        ...(config.entrypoint && { Entrypoint: config.entrypoint }),
        ...(config.command && { Cmd: config.command }),
        ...(config.user && { User: config.user }),
        ...(config.labels && { Labels: config.labels }),
      },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      history: [{ created: EPOCH.toISOString(), created_by: 'kubelab' }],
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(image), size: image.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length }],
    }),
  )
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(manifest),
        size: manifest.length,
        annotations: {
          'io.containerd.image.name': config.name,
          'org.opencontainers.image.ref.name': config.name.split(':').pop(),
        },
      },
    ],
  }
  const archive = pack()
  archive.entry({ name: 'oci-layout', mtime: EPOCH }, '{"imageLayoutVersion":"1.0.0"}')
  archive.entry({ name: 'index.json', mtime: EPOCH }, JSON.stringify(index))
  for (const blob of [manifest, image, layer]) {
    archive.entry({ name: `blobs/sha256/${digestOf(blob).slice('sha256:'.length)}`, mtime: EPOCH }, blob)
  }
  archive.finalize()
  await pipeline(Readable.from(archive), createWriteStream(target))
}
