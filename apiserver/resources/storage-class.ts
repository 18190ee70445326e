/** StorageClass and VolumeAttributesClass. */
import { forbidden, invalid, required } from '../../api/field-error.ts'
import type { StorageClass, VolumeAttributesClass } from '../../api/generated/types.ts'
import { isQualifiedName } from '../../api/names.ts'
import { AGE, boolean, NAME, text } from './columns.ts'
import { check, checkImmutable, checkOneOf, checkRequired, checkSupported, type Errors } from './rules/field-rules.ts'
import { validateCsiDriverName } from './pod-spec/volumes.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'
import { storageClassWarnings } from './warnings/volume-warnings.ts'

const DEFAULT_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const storageClass: ResourceBehaviour<StorageClass> = {
  setDefaults: (storageClass) => {
    storageClass.reclaimPolicy ||= 'Delete'
    storageClass.volumeBindingMode ||= 'Immediate'
  },
  validate: (storageClass) => {
    const errors: Errors = []
    const { provisioner, parameters, allowedTopologies } = storageClass
    if (checkRequired(errors, 'provisioner', provisioner)) {
      check(errors, 'provisioner', provisioner, isQualifiedName(provisioner.toLowerCase()))
    }
    for (const key in parameters) {
      if (key === '') errors.push(invalid('parameters', key, 'field can not be empty.'))
    }
    checkSupported(errors, 'reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain'])
    checkOneOf(errors, 'volumeBindingMode', storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
    allowedTopologies?.forEach(({ matchLabelExpressions }, i) => {
      matchLabelExpressions?.forEach(({ key, values }, j) => {
        const at = `allowedTopologies[${i}].matchLabelExpressions[${j}]`
        check(errors, `${at}.key`, key, isQualifiedName(key))
        if (!values?.length) errors.push(required(`${at}.values`))
      })
    })
    return errors
  },
  validateUpdate: (storageClass, old) => {
    const errors: Errors = []
    for (const member of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
      if (!sameJson(storageClass[member], old[member])) errors.push(forbidden(member, `updates to ${member} are forbidden.`))
    }
    checkImmutable(errors, 'volumeBindingMode', storageClass.volumeBindingMode, old.volumeBindingMode)
    return errors
  },
  warnings: (object, old) => (old ? [] : storageClassWarnings(object)),
  columns: [
    { ...NAME, value: ({ metadata }) => metadata.name + (isDefault(metadata.annotations) ? ' (default)' : '') },
    text('Provisioner', 'Who makes the volumes.', ({ provisioner }) => provisioner),
    text('ReclaimPolicy', 'What becomes of a volume after its claim.', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', 'When a volume is made and bound.', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    {
      ...boolean<StorageClass>(
        'AllowVolumeExpansion',
        'Whether volumes can grow.',
        ({ allowVolumeExpansion }) => allowVolumeExpansion,
      ),
      type: 'string',
    },
    AGE,
  ],
}

const isDefault = (annotations: Record<string, string> | undefined): boolean =>
  DEFAULT_ANNOTATIONS.some((annotation) => annotations?.[annotation] === 'true')

export const volumeAttributesClass: ResourceBehaviour<VolumeAttributesClass> = {
  validate: ({ driverName, parameters }) => {
    const errors: Errors = []
    validateCsiDriverName(errors, 'driverName', driverName)
    if (Object.keys(parameters ?? {}).length === 0)
      errors.push(required('parameters', 'must contain at least one key/value pair'))
    return errors
  },
  validateUpdate: (object, old) => {
    const errors: Errors = []
    for (const member of ['driverName', 'parameters'] as const) {
      if (!sameJson(object[member], old[member])) errors.push(forbidden(member, `updates to ${member} are forbidden.`))
    }
    return errors
  },
  columns: [NAME, text('DriverName', 'The CSI driver that knows the parameters.', ({ driverName }) => driverName), AGE],
}
