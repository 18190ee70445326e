/** VolumeAttachment. */
import { invalid, required } from '../../api/field-error.ts'
import type { VolumeAttachment } from '../../api/generated/types.ts'
import { isDNS1123Subdomain } from '../../api/names.ts'
import { AGE, boolean, NAME, text } from './columns.ts'
import { check, type Errors, IMMUTABLE } from './rules/field-rules.ts'
import { validateCsiDriverName } from './pod-spec/volumes.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

export const volumeAttachment: ResourceBehaviour<VolumeAttachment> = {
  newStatus: () => ({ attached: false }),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateCsiDriverName(errors, 'spec.attacher', spec.attacher)
    const { inlineVolumeSpec, persistentVolumeName } = spec.source ?? {}
    if (inlineVolumeSpec && persistentVolumeName) {
      errors.push(invalid('spec.source', spec.source, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'))
    } else if (!inlineVolumeSpec && !persistentVolumeName) {
      errors.push(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'))
    }
    if (persistentVolumeName !== undefined) {
      check(errors, 'spec.source.persistentVolumeName', persistentVolumeName, isDNS1123Subdomain(persistentVolumeName))
    }
    check(errors, 'spec.nodeName', spec.nodeName ?? '', isDNS1123Subdomain(spec.nodeName ?? ''))
    return errors
  },
  validateUpdate: (attachment, old) => (sameJson(attachment.spec, old.spec) ? [] : [invalid('spec', attachment.spec, IMMUTABLE)]),
  columns: [
    NAME,
    { ...text<VolumeAttachment>('Attacher', 'The driver that attaches.', ({ spec }) => spec.attacher), format: 'name' },
    text('PV', 'The volume.', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    text('Node', 'The node.', ({ spec }) => spec.nodeName),
    boolean('Attached', 'Whether it is attached.', ({ status }) => status?.attached),
    AGE,
  ],
  hasStatus: true,
}
