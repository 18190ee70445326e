/** PersistentVolume. */
import { forbidden, invalid, notSupported, required } from '../../api/field-error.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../api/generated/types.ts'
import { isDNS1123Subdomain } from '../../api/names.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import { validateAccessModes, VOLUME_MODES } from './rules/claim-spec.ts'
import { AGE, formatAccessModes, NAME, text, UNSET, wide } from './columns.ts'
import { check, checkImmutable, checkRequired, checkSupported, type Errors } from './rules/field-rules.ts'
import { validateNodeSelector } from './pod-spec/scheduling.ts'
import { setNetworkDefaults } from './pod-spec/volume-defaults.ts'
import { validateCsiDriverName, validateNoBacksteps } from './pod-spec/volumes.ts'
import { canonicalizeResourceList, validateQuantityValue } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'
import { persistentVolumeWarnings } from './warnings/volume-warnings.ts'

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'

export const persistentVolume: ResourceBehaviour<PersistentVolume> = {
  setDefaults: ({ spec }) => {
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ||= 'Filesystem'
    canonicalizeResourceList(spec.capacity)
    if (spec.hostPath) spec.hostPath.type ??= ''
    setNetworkDefaults(spec)
  },
  newStatus: () => ({ phase: 'Pending' }),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateSpec(errors, spec)
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Errors = []
    if (!sameJson(sourceOf(spec), sourceOf(old.spec))) {
      errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
    }
    checkImmutable(errors, 'spec.volumeMode', spec.volumeMode, old.spec.volumeMode)
    if (old.spec.nodeAffinity && !sameJson(spec.nodeAffinity, old.spec.nodeAffinity)) {
      errors.push(
        invalid('spec.nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable, except for updating from beta label to GA'),
      )
    }
    return errors
  },
  warnings: (object, old) => (old ? [] : persistentVolumeWarnings(object)),
  columns: [
    NAME,
    text('Capacity', 'The size of the volume.', ({ spec }) => canonicalQuantity(spec.capacity?.storage ?? '0')),
    text('Access Modes', 'How the volume can be mounted.', ({ spec }) => formatAccessModes(spec.accessModes)),
    text('Reclaim Policy', 'What becomes of the volume after its claim.', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    text('Status', 'The phase of the volume.', ({ metadata, status }) =>
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
    ),
    text('Claim', 'The claim that it is bound to.', ({ spec: { claimRef } }) =>
      claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name}` : '',
    ),
    text(
      'StorageClass',
      'StorageClass of the pv',
      ({ metadata, spec }) => metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? '',
    ),
    text('VolumeAttributesClass', 'VolumeAttributesClass of the pv', ({ spec }) => spec.volumeAttributesClassName ?? UNSET),
    text('Reason', 'Why it is in its phase.', ({ status }) => status?.reason ?? ''),
    AGE,
    wide(text('VolumeMode', 'Filesystem or block device.', ({ spec }) => spec.volumeMode ?? UNSET)),
  ],
  hasStatus: true,
}

/** Members of the spec that say something about any volume; each other one is a source. */
const COMMON = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
])

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([member, value]) => !COMMON.has(member) && value !== undefined))
}

function validateSpec(errors: Errors, spec: PersistentVolumeSpec): void {
  validateAccessModes(errors, 'spec.accessModes', spec.accessModes)
  const names = Object.keys(spec.capacity ?? {})
  if (names.length === 0) errors.push(required('spec.capacity'))
  if (spec.capacity?.storage === undefined || names.length > 1) {
    errors.push(notSupported('spec.capacity', spec.capacity ?? null, ['storage']))
  }
  for (const name of names) validateQuantityValue(errors, `spec.capacity[${name}]`, name, spec.capacity![name]!)
  checkSupported(errors, 'spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, [
    'Delete',
    'Recycle',
    'Retain',
  ])
  if (spec.nodeAffinity) {
    if (!spec.nodeAffinity.required) errors.push(required('spec.nodeAffinity.required', 'must specify required node constraints'))
    else validateNodeSelector(errors, 'spec.nodeAffinity.required', spec.nodeAffinity.required)
  }
  validateSource(errors, spec)
  if (spec.storageClassName)
    check(errors, 'spec.storageClassName', spec.storageClassName, isDNS1123Subdomain(spec.storageClassName))
  checkSupported(errors, 'spec.volumeMode', spec.volumeMode, VOLUME_MODES)
}

/** Upstream looks in this order, and closely only at the first that is there. */
const SOURCES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const

function validateSource(errors: Errors, spec: PersistentVolumeSpec): void {
  const [first, ...others] = SOURCES.filter((source) => spec[source] !== undefined)
  if (!first) errors.push(required('spec', 'must specify a volume type'))
  for (const source of others) errors.push(forbidden(`spec.${source}`, 'may not specify more than 1 volume type'))
  const { hostPath, local, nfs, csi, iscsi } = spec
  if (first === 'hostPath' && hostPath) {
    if (checkRequired(errors, 'spec.hostPath.path', hostPath.path))
      validateNoBacksteps(errors, 'spec.hostPath.path', hostPath.path)
    if (hostPath.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
      errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
    }
  } else if (first === 'local' && local) {
    if (checkRequired(errors, 'spec.local.path', local.path)) validateNoBacksteps(errors, 'spec.local.path', local.path)
    if (!spec.nodeAffinity) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  } else if (first === 'nfs' && nfs) {
    checkRequired(errors, 'spec.nfs.server', nfs.server)
    if (checkRequired(errors, 'spec.nfs.path', nfs.path) && !nfs.path.startsWith('/')) {
      errors.push(invalid('spec.nfs.path', nfs.path, 'must be an absolute path'))
    }
  } else if (first === 'csi' && csi) {
    validateCsiDriverName(errors, 'spec.csi.driver', csi.driver)
    checkRequired(errors, 'spec.csi.volumeHandle', csi.volumeHandle)
  } else if (first === 'iscsi' && iscsi) {
    checkRequired(errors, 'spec.iscsi.targetPortal', iscsi.targetPortal)
    checkRequired(errors, 'spec.iscsi.iqn', iscsi.iqn)
  }
}
