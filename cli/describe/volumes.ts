/** Volumes: what pods mount, and what persistent volumes are made of. */
import type {
  CSIPersistentVolumeSource,
  CSIVolumeSource,
  DownwardAPIVolumeSource,
  EphemeralVolumeSource,
  PersistentVolumeSpec,
  Volume,
} from '../../api/generated/types.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { spaced } from './generic.ts'
import type { Page } from './page.ts'
import { describeClaimTemplate } from './persistent-volume-claim.ts'

interface SourceText {
  type: string
  /** The labels of the members that are shown, in this order. */
  members?: Readonly<Record<string, string>>
}

const SOURCES: Readonly<Record<string, SourceText>> = {
  emptyDir: {
    type: "EmptyDir (a temporary directory that shares a pod's lifetime)",
    members: { medium: 'Medium', sizeLimit: 'SizeLimit' },
  },
  hostPath: { type: 'HostPath (bare host directory volume)', members: { path: 'Path', type: 'HostPathType' } },
  local: { type: 'LocalVolume (a persistent volume backed by local storage on a node)', members: { path: 'Path' } },
  configMap: { type: 'ConfigMap (a volume populated by a ConfigMap)', members: { name: 'Name', optional: 'Optional' } },
  secret: { type: 'Secret (a volume populated by a Secret)', members: { secretName: 'SecretName', optional: 'Optional' } },
  persistentVolumeClaim: {
    type: 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    members: { claimName: 'ClaimName', readOnly: 'ReadOnly' },
  },
  nfs: {
    type: 'NFS (an NFS mount that lasts the lifetime of a pod)',
    members: { server: 'Server', path: 'Path', readOnly: 'ReadOnly' },
  },
  image: { type: 'Image (a container image or OCI artifact)', members: { reference: 'Reference', pullPolicy: 'PullPolicy' } },
  csi: { type: 'CSI (a Container Storage Interface (CSI) volume source)', members: {} },
  downwardAPI: { type: 'DownwardAPI (a volume populated by information about the pod)', members: {} },
  projected: { type: 'Projected (a volume that contains injected data from multiple sources)', members: {} },
  ephemeral: {
    type: 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
    members: {},
  },
}

const ABSENT: Readonly<Record<string, string>> = {
  SizeLimit: '<unset>',
  HostPathType: '<none>',
  Optional: 'false',
  ReadOnly: 'false',
}

export function describeVolumes(page: Page, level: number, volumes: readonly Volume[] = []): void {
  if (volumes.length === 0) {
    page.line(level, 'Volumes:', '<none>')
    return
  }
  page.line(level, 'Volumes:')
  for (const { name, ...sources } of volumes) {
    page.line(1, `${level > 0 ? ' ' : ''}${name}:`)
    const [kind = '', source] = Object.entries(sources)[0] ?? []
    describeSource(page, 2, kind, isJsonObject(source) ? source : {})
  }
}

/** The `Source` of a persistent volume: the one member of its spec that is a kind of volume. */
export function describeVolumeSource(page: Page, spec: PersistentVolumeSpec): void {
  const { capacity: _1, claimRef: _2, nodeAffinity: _3, ...others } = spec
  const [kind, source] = Object.entries(others).find(([, value]) => isJsonObject(value)) ?? []
  if (kind === undefined) page.line(1, '<unknown>')
  else describeSource(page, 2, kind, source as JsonObject)
}

function describeSource(page: Page, level: number, kind: string, source: JsonObject): void {
  const known = SOURCES[kind]
  page.line(level, 'Type:', known?.type ?? spaced(kind))
  const scalars = Object.keys(source).filter((key) => typeof source[key] !== 'object')
  const members = known?.members ?? Object.fromEntries(scalars.map((key) => [key, spaced(key)]))
  for (const [key, title] of Object.entries(members)) page.line(level, `${title}:`, String(source[key] ?? ABSENT[title] ?? ''))
  if (kind === 'csi') describeDriver(page, level, source as unknown as CSIVolumeSource)
  if (kind === 'downwardAPI') describeItems(page, level, source as DownwardAPIVolumeSource)
  if (kind === 'projected') describeProjected(page, level, source)
  if (kind === 'ephemeral') {
    const { volumeClaimTemplate: claim } = source as EphemeralVolumeSource
    if (claim) describeClaimTemplate(page, level, claim)
  }
}

/** Of a pod's volume or a persistent one, which has a handle too. */
function describeDriver(page: Page, level: number, source: CSIVolumeSource & Partial<CSIPersistentVolumeSource>): void {
  page.line(level, 'Driver:', source.driver)
  page.line(level, 'FSType:', source.fsType)
  if (source.volumeHandle !== undefined) page.line(level, 'VolumeHandle:', source.volumeHandle)
  page.line(level, 'ReadOnly:', source.readOnly ?? false)
  const attributes = Object.entries(source.volumeAttributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (attributes.length === 0) page.line(level, 'VolumeAttributes:', '<none>')
  // kubectl sets each of these in once more, in the column of the values.
  attributes.forEach(([key, value], index) =>
    page.line(index === 0 ? level : level * 2, index === 0 ? 'VolumeAttributes:' : '', `${'  '.repeat(level)}${key}=${value}`),
  )
}

function describeItems(page: Page, level: number, { items = [] }: DownwardAPIVolumeSource): void {
  page.line(level, 'Items:')
  for (const { path, fieldRef, resourceFieldRef } of items)
    page.line(level + 1, `${fieldRef?.fieldPath ?? resourceFieldRef?.resource} -> ${path}`)
}

function describeProjected(page: Page, level: number, { sources }: JsonObject): void {
  for (const source of (Array.isArray(sources) ? sources : []) as JsonObject[]) {
    const { secret, configMap, serviceAccountToken, downwardAPI } = source as Record<string, JsonObject | undefined>
    if (secret)
      page
        .line(level, 'SecretName:', String(secret['name']))
        .line(level, 'SecretOptionalName:', String(secret['optional'] ?? '<nil>'))
    if (configMap)
      page
        .line(level, 'ConfigMapName:', String(configMap['name']))
        .line(level, 'ConfigMapOptional:', String(configMap['optional'] ?? '<nil>'))
    if (serviceAccountToken) page.line(level, 'TokenExpirationSeconds:', String(serviceAccountToken['expirationSeconds'] ?? 3600))
    if (downwardAPI) page.line(level, 'DownwardAPI:', 'true')
  }
}
