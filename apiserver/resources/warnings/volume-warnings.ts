/** Warnings about volumes, claims and classes, in upstream's words: what is deprecated, and what no longer works. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../api/generated/types.ts'
import { nodeSelectorWarnings, oldLabelWarning } from './node-label-warnings.ts'

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'
const OLD_OPTIONS = 'volume.beta.kubernetes.io/mount-options'

/** Of sources of volumes, in pods and in persistent volumes. */
const OLD_SOURCES = {
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
} as const

type SourceName = keyof typeof OLD_SOURCES

export const sourceWarnings = (path: string, source: Partial<Record<SourceName, unknown>>): string[] =>
  (Object.keys(OLD_SOURCES) as SourceName[])
    .filter((name) => source[name] !== undefined)
    .map((name) => `${path}.${name === 'storageos' ? 'storageOS' : name}: ${OLD_SOURCES[name]}`)

const annotationWarnings = (annotations: Record<string, string> | undefined): string[] => [
  ...(annotations?.[OLD_CLASS] === undefined
    ? []
    : [`metadata.annotations[${OLD_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
  ...(annotations?.[OLD_OPTIONS] === undefined
    ? []
    : [`metadata.annotations[${OLD_OPTIONS}]: deprecated since v1.31; use "mountOptions" attribute instead`]),
]

export function persistentVolumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const warnings = annotationWarnings(metadata.annotations)
  if (spec.persistentVolumeReclaimPolicy === 'Recycle')
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    )
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  return [
    ...warnings,
    ...nodeSelectorWarnings('spec.nodeAffinity.required.nodeSelectorTerms', terms),
    ...sourceWarnings('spec', spec),
  ]
}

export function claimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const storage = spec.resources?.requests?.['storage']
  return [
    ...annotationWarnings(metadata.annotations).slice(0, metadata.annotations?.[OLD_CLASS] === undefined ? 0 : 1),
    ...(storage?.endsWith('m')
      ? [`spec.resources.requests[storage]: fractional byte value ${JSON.stringify(storage)} is invalid, must be an integer`]
      : []),
  ]
}

export const storageClassWarnings = ({ allowedTopologies }: StorageClass): string[] =>
  (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, i) =>
    (matchLabelExpressions ?? []).flatMap(({ key }, j) =>
      oldLabelWarning(`allowedTopologies[${i}].matchLabelExpressions[${j}].key`, key),
    ),
  )
