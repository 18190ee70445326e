/** RuntimeClass. */
import type { RuntimeClass } from '../../api/generated/types.ts'
import { isDNS1123Label } from '../../api/names.ts'
import { AGE, NAME, text } from './columns.ts'
import { check, checkImmutable, type Errors } from './rules/field-rules.ts'
import { validateLabels } from './rules/object-meta.ts'
import { validateTolerations } from './pod-spec/scheduling.ts'
import { canonicalizeResourceList, validateContainerResourceName, validateQuantityValue } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'

export const runtimeClass: ResourceBehaviour<RuntimeClass> = {
  setDefaults: ({ overhead }) => canonicalizeResourceList(overhead?.podFixed),
  validate: ({ handler, overhead, scheduling }) => {
    const errors: Errors = []
    check(errors, 'handler', handler ?? '', isDNS1123Label(handler ?? ''))
    for (const name in overhead?.podFixed) {
      const at = `overhead.limits[${name}]`
      validateContainerResourceName(errors, at, name)
      validateQuantityValue(errors, at, name, overhead.podFixed[name]!)
    }
    validateLabels(errors, 'scheduling.nodeSelector', scheduling?.nodeSelector)
    if (scheduling?.tolerations) validateTolerations(errors, 'scheduling.tolerations.tolerations', scheduling.tolerations)
    return errors
  },
  validateUpdate: (runtimeClass, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'handler', runtimeClass.handler, old.handler)
    return errors
  },
  columns: [NAME, text('Handler', 'What the container runtime calls it.', ({ handler }) => handler), AGE],
}
