/** Makes the images of the runtime suite from programs of this machine: one layer each, as OCI archives with full names. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'

export const pauseImage = 'registry.k8s.io/pause:3.10'
export const busyboxImage = 'docker.io/library/busybox:1.36'

export interface LayerEntry {
  name: string
  /** A file of this machine, or its content. */
  from?: string
  content?: string
  linkTo?: string
  directory?: boolean
  mode?: number
}

interface ImageOptions {
  name: string
  entries: LayerEntry[]
  config: { Entrypoint?: string[]; Cmd?: string[]; User?: string; Env?: string[] }
}

export async function writeImages(directory: string): Promise<string[]> {
  const pause = `${directory}/pause.tar`
  const busybox = `${directory}/busybox.tar`
  await writeOciArchive(pause, {
    name: pauseImage,
    entries: [{ name: 'pause', from: '/usr/bin/catatonit', mode: 0o755 }],
    config: { Entrypoint: ['/pause', '-P'] },
  })
  await writeOciArchive(busybox, { name: busyboxImage, entries: busyboxEntries(), config: { Cmd: ['sh'] } })
  return [pause, busybox]
}

/** Debian's dynamic busybox with its libraries, and a link for each applet. */
export function busyboxEntries(): LayerEntry[] {
  const binary = '/bin/busybox'
  const directories = [
    'bin',
    'tmp',
    'etc',
    'root',
    'var',
    'var/run',
    'home',
    'dev',
    'proc',
    'sys',
    'usr',
    'usr/bin',
    'lib',
    'lib64',
  ]
  const libraries = libraryPaths(binary)
  const libraryFolders = new Set(libraries.flatMap((path) => path.slice(1, path.lastIndexOf('/'))))
  const parents = [...libraryFolders].flatMap((folder) =>
    folder.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/')),
  )
  const applets = execFileSync(binary, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  return [
    ...[...new Set([...directories, ...parents])].map((name) => ({
      name,
      directory: true,
      mode: name === 'tmp' ? 0o1777 : 0o755,
    })),
    { name: 'bin/busybox', from: binary, mode: 0o755 },
    ...libraries.map((from) => ({ name: from.slice(1), from, mode: 0o755 })),
    ...applets.filter((name) => name !== 'busybox').map((name) => ({ name: `bin/${name}`, linkTo: 'busybox' })),
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' },
    { name: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
  ]
}

function libraryPaths(binary: string): string[] {
  try {
    const listing = execFileSync('ldd', [binary], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return [...listing.matchAll(/(\/[^ \n]+)/g)].map((match) => match[1]!)
  } catch {
    return []
  }
}

export interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

export interface ImageBlobs {
  layer: Buffer
  config: Buffer
  manifest: Buffer
  descriptor: Descriptor
}

export async function buildImage({ entries, config }: Pick<ImageOptions, 'entries' | 'config'>): Promise<ImageBlobs> {
  const layerTar = await tarOf(entries)
  const layer = gzipSync(layerTar, { level: 1 })
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const imageConfig = Buffer.from(
    JSON.stringify({ architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: [digestOf(layerTar)] } }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', imageConfig),
      layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
    }),
  )
  const about = descriptor('application/vnd.oci.image.manifest.v1+json', manifest)
  return { layer, config: imageConfig, manifest, descriptor: about }
}

export async function writeOciArchive(file: string, { name, ...content }: ImageOptions): Promise<void> {
  const { layer, config, manifest, descriptor: about } = await buildImage(content)
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  }
  const index = { schemaVersion: 2, manifests: [{ ...about, annotations }] }
  const archive = pack()
  archive.entry({ name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}')
  archive.entry({ name: 'index.json' }, JSON.stringify(index))
  for (const blob of [layer, config, manifest]) archive.entry({ name: `blobs/${digestOf(blob).replace(':', '/')}` }, blob)
  archive.finalize()
  await pipeline(archive, createWriteStream(file))
}

export const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`
const descriptor = (mediaType: string, data: Buffer): Descriptor => ({ mediaType, digest: digestOf(data), size: data.length })

async function tarOf(entries: LayerEntry[]): Promise<Buffer> {
  const tar: Pack = pack()
  for (const { name, from, content, linkTo, directory, mode = 0o644 } of entries) {
    if (directory) tar.entry({ name, type: 'directory', mode })
    else if (linkTo) tar.entry({ name, type: 'symlink', linkname: linkTo, mode: 0o777 })
    else tar.entry({ name, mode }, from ? readFileSync(from) : content!)
  }
  tar.finalize()
  return buffer(tar)
}
