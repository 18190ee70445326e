/** The contract of a kind of volume. */
import type { ConfigMap, Pod, Secret, Volume } from '../../api/generated/types.ts'
import type { ImageFact } from '../pods/pod-facts.ts'
import type { ImageMounts } from '../runtime/containerd-snapshots.ts'
import type { PodAddresses } from '../pods/pod-fields.ts'
import type { KubeletPaths } from '../paths.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { Mounts } from './file-systems.ts'

export interface VolumeContext {
  pod: Pod
  paths: KubeletPaths
  mounts: Mounts
  images: ImageMounts
  /** Has an image on the node, by its pull policy. */
  ensureImage(volume: string, reference: string, pullPolicy: string | undefined): Promise<ImageFact>
  /** Rejects with a not-found ApiError when there is none. Objects are shared: never change them. */
  configMap(name: string): Promise<ConfigMap>
  secret(name: string): Promise<Secret>
  /** A token of the pod's service account, taken again before it runs out. */
  token(request: TokenRequest): Promise<string>
  allocatable: Record<string, string>
  addresses: PodAddresses
  client: Pick<ApiClient, 'get'>
}

export interface TokenRequest {
  audience?: string | undefined
  expirationSeconds: number
}

/** A file of a payload volume: `path` is relative and may have folders. */
export interface PayloadFile {
  content: Buffer
  mode: number
}

export type Payload = Map<string, PayloadFile>

/** What it takes to take a volume away. */
export type VolumeKeepers = Pick<VolumeContext, 'paths' | 'mounts' | 'images'>

interface Kind {
  /** The part after `kubernetes.io~` in upstream's folder names. */
  name: string
  matches(volume: Volume): boolean
}

/** A kind whose files come from the API: written all at once, and again when what they show changes. */
export interface PayloadKind extends Kind {
  payload(volume: Volume, context: VolumeContext): Promise<Payload>
}

/** Where a volume is, for those that mount it. */
export interface VolumePlace {
  directory: string
  /** Whatever the container's mount says. */
  readOnly: boolean
  /** A block device, for containers' volumeDevices: `directory` is its path. */
  isDevice: boolean
}

/** What a volume gives. */
export interface VolumeDirectory {
  directory: string
  /** The pod's fsGroup is made its owner; as upstream, not for folders of the node itself. */
  takesGroup: boolean
  readOnly?: boolean | undefined
  isDevice?: boolean | undefined
}

/** A kind that gives a folder, and takes it away at the end. */
export interface DirectoryKind extends Kind {
  /** Called again after the kubelet was restarted: what is there already stays. */
  setUp(volume: Volume, context: VolumeContext): Promise<VolumeDirectory>
  tearDown?(volume: string, context: VolumeKeepers & { uid: string }): Promise<void>
}

export type VolumeKind = PayloadKind | DirectoryKind

export const isPayloadKind = (kind: VolumeKind): kind is PayloadKind => 'payload' in kind

/** The volume cannot be had now; the message is the event's. */
export class VolumeError extends Error {
  override name = 'VolumeError'
}
