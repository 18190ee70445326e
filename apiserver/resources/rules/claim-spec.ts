/** The spec of a volume claim: of claims themselves, of claim templates and of ephemeral volumes. */
import { notSupported, required } from '../../../api/field-error.ts'
import type { PersistentVolumeClaimSpec } from '../../../api/generated/types.ts'
import { isDNS1123Subdomain } from '../../../api/names.ts'
import { check, checkRequired, checkSupported, type Errors } from './field-rules.ts'
import { canonicalizeResourceList, validateQuantityValue } from './quantities.ts'
import { validateLabelSelector } from './label-selector.ts'

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const VOLUME_MODES = ['Block', 'Filesystem']

export function setClaimSpecDefaults(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ||= 'Filesystem'
  spec.resources ??= {}
  canonicalizeResourceList(spec.resources.requests)
  canonicalizeResourceList(spec.resources.limits)
}

export function validateClaimSpec(errors: Errors, path: string, spec: PersistentVolumeClaimSpec): void {
  validateAccessModes(errors, `${path}.accessModes`, spec.accessModes, 'at least 1 access mode is required')
  validateLabelSelector(errors, `${path}.selector`, spec.selector)
  const storage = spec.resources?.requests?.storage
  const at = `${path}.resources[storage]`
  if (storage === undefined) errors.push(required(at))
  else {
    validateQuantityValue(errors, at, 'storage', storage)
    if (storage === '0')
      errors.push({ reason: 'FieldValueInvalid', field: at, message: 'Invalid value: "0": must be greater than zero' })
  }
  if (spec.storageClassName) {
    check(errors, `${path}.storageClassName`, spec.storageClassName, isDNS1123Subdomain(spec.storageClassName))
  }
  checkSupported(errors, `${path}.volumeMode`, spec.volumeMode, VOLUME_MODES)
  for (const member of ['dataSource', 'dataSourceRef'] as const) {
    const source = spec[member]
    if (!source) continue
    checkRequired(errors, `${path}.${member}.name`, source.name)
    checkRequired(errors, `${path}.${member}.kind`, source.kind)
  }
}

export function validateAccessModes(errors: Errors, path: string, modes: readonly string[] | undefined, why = ''): void {
  if (!modes?.length) errors.push(required(path, why))
  for (const mode of modes ?? []) if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(path, mode, ACCESS_MODES))
  if (modes?.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: path,
      message: 'Forbidden: may not use ReadWriteOncePod with other access modes',
    })
  }
}
