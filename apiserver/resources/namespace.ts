/** Namespace. */
import type { Namespace } from '../../api/generated/types.ts'
import { invalid } from '../../api/field-error.ts'
import { AGE, NAME, text } from './columns.ts'
import { copyMember } from './define-resource.ts'
import type { Errors } from './rules/field-rules.ts'
import { isDnsLabel } from './rules/names.ts'
import { validateFinalizerName } from './rules/object-meta.ts'
import type { ResourceBehaviour } from './resource.ts'

const NAME_LABEL = 'kubernetes.io/metadata.name'

/** Selectors find a namespace by its name through this label: upstream sets it on every write. */
function setNameLabel({ metadata }: Namespace): void {
  if (metadata.name) (metadata.labels ??= {})[NAME_LABEL] = metadata.name
}

export const namespace: ResourceBehaviour<Namespace> = {
  validateName: isDnsLabel,
  setDefaults: (namespace) => {
    namespace.spec ??= {}
    setNameLabel(namespace)
  },
  newStatus: () => ({ phase: 'Active' }),
  prepareForCreate: (namespace) => {
    // A generated name has come since the defaults were set.
    setNameLabel(namespace)
    const { spec } = namespace
    // What is in it goes first; the namespace controller takes this away when nothing is left.
    const finalizers = spec.finalizers ?? []
    if (!finalizers.includes('kubernetes')) spec.finalizers = [...finalizers, 'kubernetes']
  },
  prepareForUpdate: (namespace, old) => {
    // Only /finalize changes these.
    copyMember('finalizers', old.spec, namespace.spec)
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    spec.finalizers?.forEach((finalizer) => validateFinalizerName(errors, 'spec.finalizers', finalizer))
    return errors
  },
  validateStatusUpdate: ({ metadata, status }) => {
    const { phase } = status ?? {}
    if (metadata.deletionTimestamp) {
      return phase === 'Terminating'
        ? []
        : [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    }
    return phase === 'Active' ? [] : [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")]
  },
  columns: [NAME, text('Status', 'The status of the namespace', ({ status }) => status?.phase ?? ''), AGE],
  selectableFields: {
    'status.phase': ({ status }) => status?.phase ?? '',
    name: ({ metadata }) => metadata.name,
  },
  hasStatus: true,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
}
