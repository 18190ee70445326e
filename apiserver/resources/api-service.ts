/** APIService. */
import { invalid, required } from '../../api/field-error.ts'
import type { APIService } from '../../api/generated/types.ts'
import { isDNS1035Label, isDNS1123Subdomain, isValidPortNumber } from '../../api/names.ts'
import { AGE, NAME, text } from './columns.ts'
import { type Errors } from './rules/field-rules.ts'
import { isUrlSegment } from './rules/names.ts'
import type { ResourceBehaviour } from './resource.ts'

export const apiService: ResourceBehaviour<APIService> = {
  validateName: isUrlSegment,
  setDefaults: ({ spec }) => {
    if (spec.service) spec.service.port ??= 443
  },
  prepareForCreate: ({ spec, status }) => {
    // What this server answers itself needs nobody to look for it.
    if (spec.service || !status) return
    status.conditions = [
      { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' },
    ]
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    const { group = '', version = '' } = spec
    const expected = `${version}.${group}`
    if (metadata.name !== expected)
      errors.push(invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`))
    if (group === '' && version !== 'v1')
      errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
    if (group && isDNS1123Subdomain(group).length > 0)
      errors.push(invalid('spec.group', group, isDNS1123Subdomain(group).join(',')))
    if (isDNS1035Label(version).length > 0) errors.push(invalid('spec.version', version, isDNS1035Label(version).join(',')))
    if (!inRange(spec.groupPriorityMinimum, 20_000)) {
      errors.push(invalid('spec.groupPriorityMinimum', spec.groupPriorityMinimum, 'must be positive and less than 20000'))
    }
    if (!inRange(spec.versionPriority, 1000)) {
      errors.push(invalid('spec.versionPriority', spec.versionPriority, 'must be positive and less than 1000'))
    }
    validateBackend(errors, spec)
    return errors
  },
  columns: [
    NAME,
    text('Service', 'Who answers.', ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local')),
    text('Available', 'Whether it answers.', availability),
    AGE,
  ],
  hasStatus: true,
}

const inRange = (value: number, maximum: number) => value > 0 && value <= maximum

function validateBackend(errors: Errors, spec: APIService['spec']): void {
  const { service, caBundle, insecureSkipTLSVerify } = spec
  if (!service) {
    if (caBundle) errors.push(invalid('spec.caBundle', `${caBundle.length} bytes`, 'local APIServices may not have a caBundle'))
    if (insecureSkipTLSVerify) {
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    }
    return
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'))
  if (!service.name) errors.push(required('spec.service.name'))
  const complaints = isValidPortNumber(service.port ?? 443)
  if (complaints.length > 0)
    errors.push(invalid('spec.service.port', service.port, `port is not valid: ${complaints.join(', ')}`))
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  }
}

function availability({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available')
  if (!condition) return 'Unknown'
  return condition.status === 'True' || !condition.reason ? condition.status : `${condition.status} (${condition.reason})`
}
