/** Tells how far the pull of an image is: CRI says nothing until it is over, containerd's content service knows. */
import { type ClientReadableStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { loadService, toGrpcTarget } from './cri-client.ts'

export interface PullProgress {
  layers: number
  /** Of them, those that are there whole. */
  complete: number
  /** Of all layers together, so far. */
  bytes: number
}

export interface ImageContent {
  /** Of an image with its registry's host, without tag or digest; undefined while its layers are not known. */
  progress(repository: string): Promise<PullProgress | undefined>
  close(): void
}

/** For runtimes that have an image at once or not at all. */
export const noImageContent: ImageContent = {
  progress: () => Promise.resolve(undefined),
  close() {},
}

export interface ContentInfo {
  digest: string
  size: number
  createdAt: { seconds: number; nanos: number } | null
  labels: Record<string, string>
}

export interface Ingest {
  /** `layer-sha256:…` */
  ref: string
  offset: number
}

const layerLabel = 'containerd.io/gc.ref.content.l.'

/** What a pull fetches now: the layers of the newest manifest that came from the repository. */
export function newestLayers(infos: readonly ContentInfo[], sourceLabel: string, path: string): string[] {
  const layersOf = ({ labels }: ContentInfo) => Object.keys(labels).filter((label) => label.startsWith(layerLabel))
  const age = ({ createdAt }: ContentInfo) => (createdAt ? createdAt.seconds * 1e3 + createdAt.nanos / 1e6 : 0)
  const [newest] = infos
    .filter((info) => info.labels[sourceLabel]?.split(',').includes(path) && layersOf(info).length > 0)
    .sort((a, b) => age(b) - age(a))
  return newest ? [...new Set(layersOf(newest).map((label) => newest.labels[label]!))] : []
}

export function addUp(layers: readonly string[], whole: readonly ContentInfo[], ingests: readonly Ingest[]): PullProgress {
  const sizes = new Map(whole.map(({ digest, size }) => [digest, size]))
  const offsets = new Map(ingests.map(({ ref, offset }) => [ref.replace(/^layer-/, ''), offset]))
  const bytes = layers.reduce((sum, digest) => sum + (sizes.get(digest) ?? offsets.get(digest) ?? 0), 0)
  return { layers: layers.length, complete: layers.filter((digest) => sizes.has(digest)).length, bytes }
}

type List = (request: { filters: string[] }, metadata: Metadata) => ClientReadableStream<{ info: ContentInfo[] }>
type ListStatuses = (
  request: { filters: string[] },
  metadata: Metadata,
  done: (error: ServiceError | null, answer: { statuses: Ingest[] }) => void,
) => void

export function createImageContent(endpoint: string): ImageContent {
  const Content = loadService('./containerd-content.proto', 'containerd.services.content.v1', 'Content')
  const client = new Content(toGrpcTarget(endpoint), credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('containerd-namespace', 'k8s.io')

  async function list(filters: string[]): Promise<ContentInfo[]> {
    const found: ContentInfo[] = []
    for await (const { info } of (client.List as List).call(client, { filters }, metadata) as AsyncIterable<{
      info: ContentInfo[]
    }>)
      found.push(...info)
    return found
  }
  const listIngests = (): Promise<Ingest[]> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer: { statuses: Ingest[] }) =>
        error ? reject(error) : resolve(answer.statuses)
      ;(client.ListStatuses as ListStatuses).call(client, { filters: [] }, metadata, done)
    })

  return {
    async progress(repository) {
      const [host = '', ...path] = repository.split('/')
      // containerd leaves the port out.
      const sourceLabel = `containerd.io/distribution.source.${host.replace(/:\d+$/, '')}`
      const layers = newestLayers(await list([`labels."${sourceLabel}"`]), sourceLabel, path.join('/'))
      if (layers.length === 0) return undefined
      // Ingests first: a layer that is done in between counts as whole, not as missing.
      const ingests = await listIngests()
      return addUp(layers, await list(layers.map((digest) => `digest==${digest}`)), ingests)
    },
    close: () => client.close(),
  }
}
