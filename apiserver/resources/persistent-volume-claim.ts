/** PersistentVolumeClaim. */
import { forbidden } from '../../api/field-error.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../api/generated/types.ts'
import { canonicalQuantity, compareQuantityText } from '../../api/quantity.ts'
import { setClaimSpecDefaults, validateClaimSpec } from './rules/claim-spec.ts'
import { AGE, formatAccessModes, NAME, text, UNSET, wide } from './columns.ts'
import type { Errors } from './rules/field-rules.ts'
import { canonicalizeResourceList, validateQuantityValue } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'
import { claimWarnings } from './warnings/volume-warnings.ts'

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'

export const persistentVolumeClaim: ResourceBehaviour<PersistentVolumeClaim> = {
  setDefaults: ({ spec, status }) => {
    setClaimSpecDefaults(spec)
    canonicalizeResourceList(status?.capacity)
    canonicalizeResourceList(status?.allocatedResources)
  },
  newStatus: () => ({ phase: 'Pending' }),
  prepareForCreate: ({ spec }) => {
    // The older field takes only what old servers knew; anything else in it has always been passed over.
    if (spec.dataSource && !spec.dataSourceRef && !isOldSource(spec.dataSource)) delete spec.dataSource
    normalizeSources(spec)
  },
  prepareForUpdate: ({ spec }) => normalizeSources(spec),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateClaimSpec(errors, 'spec', spec)
    return errors
  },
  validateUpdate: validateClaimUpdate,
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    for (const name in status?.capacity) validateQuantityValue(errors, `status.capacity[${name}]`, name, status.capacity[name]!)
    return errors
  },
  warnings: (object, old) => (old ? [] : claimWarnings(object)),
  columns: [
    NAME,
    text('Status', 'The phase of the claim.', ({ metadata, status }) =>
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
    ),
    text('Volume', 'The volume that the claim is bound to.', ({ spec }) => spec.volumeName ?? ''),
    text('Capacity', 'The size of that volume.', ({ spec, status }) =>
      spec.volumeName ? canonicalQuantity(status?.capacity?.storage ?? '0') : '',
    ),
    text('Access Modes', 'How that volume can be mounted.', ({ spec, status }) =>
      spec.volumeName ? formatAccessModes(status?.accessModes) : '',
    ),
    text(
      'StorageClass',
      'StorageClass of the pvc',
      ({ metadata, spec }) => metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? '',
    ),
    text('VolumeAttributesClass', 'VolumeAttributesClass of the pvc', ({ spec }) => spec.volumeAttributesClassName ?? UNSET),
    AGE,
    wide(text('VolumeMode', 'Filesystem or block device.', ({ spec }) => spec.volumeMode ?? UNSET)),
  ],
  hasStatus: true,
}

const isOldSource = ({ apiGroup, kind }: NonNullable<PersistentVolumeClaimSpec['dataSource']>): boolean =>
  (kind === 'PersistentVolumeClaim' && !apiGroup) || (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io')

/** Two names of one source; the newer can name more, so it is only copied back when the older can say it. */
function normalizeSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource }
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { apiGroup, kind, name } = dataSourceRef
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name }
  }
}

function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): Errors {
  const errors: Errors = []
  const kept = withMutableFieldsOf(claim, old)
  if (!sameJson(kept, old.spec)) {
    const why = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    errors.push(forbidden('spec', `${why}\n${differences(kept, old.spec)}`))
  }
  const [size, before] = [claim.spec.resources?.requests?.storage ?? '0', old.spec.resources?.requests?.storage ?? '0']
  const bound = old.status?.phase === 'Bound'
  // Back down is possible while an expansion has not happened: to more than the volume has.
  if (bound && compareQuantityText(size, before) < 0 && compareQuantityText(size, old.status?.capacity?.storage ?? '0') <= 0) {
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  }
  return errors
}

function withMutableFieldsOf({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec {
  const kept = { ...spec }
  if (!old.spec.volumeName) kept.volumeName = old.spec.volumeName
  // The default class may be filled in later, once there is one.
  if (old.spec.storageClassName === undefined) kept.storageClassName = undefined
  if (old.status?.phase === 'Bound') kept.resources = old.spec.resources
  kept.volumeAttributesClassName = old.spec.volumeAttributesClassName
  return kept
}

function differences(spec: object, old: object): string {
  const [now, before] = [spec as Record<string, unknown>, old as Record<string, unknown>]
  return Object.keys({ ...before, ...now })
    .filter((member) => !sameJson(now[member], before[member]))
    .map(
      (member) => `- ${member}: ${JSON.stringify(before[member] ?? null)}\n+ ${member}: ${JSON.stringify(now[member] ?? null)}`,
    )
    .join('\n')
}
