/** IngressClass. */
import { forbidden, notSupported, required, tooLong } from '../../api/field-error.ts'
import type { IngressClass, IngressClassParametersReference } from '../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain, isPathSegment } from '../../api/names.ts'
import { AGE, NAME, NONE, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkImmutable, checkRequired, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

const MAX_CONTROLLER = 250

export const ingressClass: ResourceBehaviour<IngressClass> = {
  setDefaults: (ingressClass) => {
    ingressClass.spec ??= {}
    if (ingressClass.spec.parameters) ingressClass.spec.parameters.scope ??= 'Cluster'
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const { controller = '', parameters } = spec
    if (controller.length > MAX_CONTROLLER) errors.push(tooLong('spec.controller', MAX_CONTROLLER))
    else validateController(errors, controller)
    if (parameters) validateParameters(errors, 'spec.parameters', parameters)
    return errors
  },
  validateUpdate: (ingressClass, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.controller', ingressClass.spec.controller, old.spec.controller)
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    text('Controller', 'Controller that is responsible for handling this class', ({ spec }) => spec.controller ?? ''),
    text('Parameters', 'A reference to a resource with additional parameters', parametersOf),
    AGE,
  ],
}

function parametersOf({ spec }: IngressClass): string {
  if (!spec.parameters) return NONE
  const { apiGroup, kind, name } = spec.parameters
  return `${kind}${apiGroup ? `.${apiGroup}` : ''}/${name}`
}

/** `example.com/controller`: a domain, a slash, a path. */
function validateController(errors: Errors, controller: string): void {
  const path = 'spec.controller'
  if (controller === '') {
    errors.push(required(path))
    return
  }
  const slash = controller.indexOf('/')
  if (slash <= 0 || slash === controller.length - 1) {
    errors.push({
      reason: 'FieldValueInvalid',
      field: path,
      message: `Invalid value: ${JSON.stringify(controller)}: must be a domain-prefixed path (such as "acme.io/foo")`,
    })
    return
  }
  check(errors, path, controller.slice(0, slash), isDNS1123Subdomain(controller.slice(0, slash)))
}

function validateParameters(errors: Errors, path: string, parameters: IngressClassParametersReference): void {
  const { apiGroup, kind, name, scope, namespace } = parameters
  if (apiGroup) check(errors, `${path}.apiGroup`, apiGroup, isDNS1123Subdomain(apiGroup))
  if (checkRequired(errors, `${path}.kind`, kind, 'kind is required')) check(errors, `${path}.kind`, kind, isPathSegment(kind))
  if (checkRequired(errors, `${path}.name`, name, 'name is required')) check(errors, `${path}.name`, name, isPathSegment(name))
  if (scope === 'Namespace') {
    if (!namespace) errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else check(errors, `${path}.namespace`, namespace, isDNS1123Label(namespace))
  } else if (scope === 'Cluster') {
    if (namespace) errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  } else errors.push(notSupported(`${path}.scope`, scope ?? '', ['Cluster', 'Namespace']))
}
