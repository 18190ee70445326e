/** ControllerRevision. */
import { required } from '../../api/field-error.ts'
import type { ControllerRevision } from '../../api/generated/types.ts'
import { controllerOf } from '../../api/object.ts'
import { AGE, NAME, NONE, text } from './columns.ts'
import { checkImmutable, checkNotNegative, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

export const controllerRevision: ResourceBehaviour<ControllerRevision> = {
  validate: ({ data, revision }) => {
    const errors: Errors = []
    if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'))
    checkNotNegative(errors, 'revision', revision)
    return errors
  },
  validateUpdate: (revision, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'data', revision.data, old.data)
    return errors
  },
  columns: [
    NAME,
    text('Controller', 'Controller of the object', controllerName),
    text('Revision', 'Number of the state.', ({ revision }) => revision),
    AGE,
  ],
  unconditionalUpdate: false,
}

/** `daemonset.apps/agent` */
function controllerName(revision: ControllerRevision): string {
  const controller = controllerOf(revision)
  if (!controller) return NONE
  const slash = controller.apiVersion.indexOf('/')
  const group = slash < 0 ? '' : `.${controller.apiVersion.slice(0, slash)}`
  return `${controller.kind.toLowerCase()}${group.toLowerCase()}/${controller.name}`
}
