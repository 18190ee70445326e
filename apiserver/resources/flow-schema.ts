/** FlowSchema: which requests go into which priority level. */
import { duplicate, forbidden, invalid, notSupported, required } from '../../api/field-error.ts'
import type { FlowcontrolSubject, FlowSchema, PolicyRulesWithSubjects, ResourcePolicyRule } from '../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../api/names.ts'
import { MANDATORY_SCHEMAS } from '../flow-control/bootstrap-objects.ts'
import { AGE, NAME, NONE, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, type Errors } from './rules/field-rules.ts'
import { sameJson } from './rules/same-json.ts'
import type { ResourceBehaviour } from './resource.ts'

const DEFAULT_PRECEDENCE = 1000
const MAX_PRECEDENCE = 10_000
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

export const flowSchema: ResourceBehaviour<FlowSchema> = {
  setDefaults: ({ spec }) => {
    spec.matchingPrecedence ||= DEFAULT_PRECEDENCE
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    const { matchingPrecedence: precedence = DEFAULT_PRECEDENCE, distinguisherMethod, priorityLevelConfiguration } = spec
    const at = 'spec.matchingPrecedence'
    if (precedence <= 0) errors.push(invalid(at, precedence, 'must be a positive value'))
    if (precedence > MAX_PRECEDENCE) errors.push(invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`))
    if (precedence === 1 && metadata.name !== 'exempt') {
      errors.push(invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
    }
    if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
      errors.push(notSupported('spec.distinguisherMethod.type', distinguisherMethod, ['ByNamespace', 'ByUser']))
    }
    const level = priorityLevelConfiguration?.name
    if (level) check(errors, 'spec.priorityLevelConfiguration.name', level, isDNS1123Subdomain(level))
    else errors.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
    spec.rules?.forEach((rule, i) => validateRule(errors, `spec.rules[${i}]`, rule))
    const mandatory = MANDATORY_SCHEMAS.find((schema) => schema.metadata.name === metadata.name)
    if (mandatory && !sameJson(spec, mandatory.spec)) {
      errors.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`))
    }
    return errors
  },
  validateStatusUpdate: ({ status }) => conditionErrors(status?.conditions ?? []),
  generationChanges: specChanges,
  columns: [
    NAME,
    text('PriorityLevel', 'The level that the requests go to.', ({ spec }) => spec.priorityLevelConfiguration.name),
    text('MatchingPrecedence', 'Lower ones are tried first.', ({ spec }) => spec.matchingPrecedence),
    text('DistinguisherMethod', 'What tells flows apart.', ({ spec }) => spec.distinguisherMethod?.type ?? NONE),
    AGE,
    text(
      'MissingPL',
      'references a broken or non-existent PriorityLevelConfiguration',
      ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ),
  ],
  hasStatus: true,
}

export function conditionErrors(conditions: readonly { type?: string | undefined }[]): Errors {
  const errors: Errors = []
  const seen = new Set<string>()
  conditions.forEach(({ type = '' }, i) => {
    const at = `status.conditions[${i}].type`
    if (type === '') errors.push(required(at, 'must not be empty'))
    if (seen.has(type)) errors.push(duplicate(at, type))
    seen.add(type)
  })
  return errors
}

function validateRule(errors: Errors, path: string, rule: PolicyRulesWithSubjects): void {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'))
  subjects.forEach((subject, i) => validateSubject(errors, `${path}.subjects[${i}]`, subject))
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  }
  resourceRules.forEach((one, i) => validateResourceRule(errors, `${path}.resourceRules[${i}]`, one))
  nonResourceRules.forEach(({ verbs, nonResourceURLs }, i) => {
    const at = `${path}.nonResourceRules[${i}]`
    checkVerbs(errors, `${at}.verbs`, verbs)
    checkList(
      errors,
      `${at}.nonResourceURLs`,
      nonResourceURLs,
      'nonResourceURLs must contain at least one value',
      'non-resource URLs',
    )
    if (!nonResourceURLs?.includes('*'))
      nonResourceURLs?.forEach((url, j) => {
        const complaint = urlComplaint(url)
        if (complaint) errors.push(invalid(`${at}.nonResourceURLs[${j}]`, url, complaint))
      })
  })
}

function urlComplaint(url: string): string | null {
  if (url === '') return 'must not be empty'
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const star = url.indexOf('*')
  return star < 0 || (star === url.length - 1 && url.endsWith('/*')) ? null : 'wildcard can only do suffix matching'
}

const SUBJECTS = [
  ['User', 'user'],
  ['Group', 'group'],
  ['ServiceAccount', 'serviceAccount'],
] as const

function validateSubject(errors: Errors, path: string, subject: FlowcontrolSubject): void {
  if (!SUBJECTS.some(([kind]) => kind === subject.kind)) {
    errors.push(notSupported(`${path}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User']))
    return
  }
  for (const [kind, member] of SUBJECTS) {
    const at = `${path}.${member}`
    if (kind !== subject.kind) {
      if (subject[member]) errors.push(forbidden(at, `${member} is forbidden when subject kind is not '${kind}'`))
    } else if (!subject[member]) errors.push(required(at, `${member} is required when subject kind is '${kind}'`))
    else if (!subject[member].name) errors.push(required(`${at}.name`))
  }
  if (subject.kind !== 'ServiceAccount' || !subject.serviceAccount) return
  const { name, namespace } = subject.serviceAccount
  const at = `${path}.serviceAccount`
  if (name && name !== '*') check(errors, `${at}.name`, name, isDNS1123Subdomain(name))
  if (namespace) check(errors, `${at}.namespace`, namespace, isDNS1123Label(namespace))
  else errors.push(required(`${at}.namespace`, 'must specify namespace for service account'))
}

function validateResourceRule(errors: Errors, path: string, rule: ResourcePolicyRule): void {
  const { verbs, apiGroups, resources, namespaces = [], clusterScope } = rule
  checkVerbs(errors, `${path}.verbs`, verbs)
  checkList(errors, `${path}.apiGroups`, apiGroups, 'resource rules must supply at least one api group', 'api groups')
  checkList(errors, `${path}.resources`, resources, 'resource rules must supply at least one resource', 'resources')
  if (namespaces.length === 0 && !clusterScope) {
    errors.push(required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'))
  } else if (namespaces.length > 1 && namespaces.includes('*')) {
    errors.push(invalid(`${path}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces"))
  }
  namespaces.forEach((namespace, i) => {
    if (namespace === '*') return
    for (const complaint of isDNS1123Label(namespace)) {
      errors.push(
        invalid(`${path}.namespaces[${i}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${complaint}`),
      )
    }
  })
}

function checkVerbs(errors: Errors, path: string, verbs: readonly string[] | undefined): void {
  checkList(errors, path, verbs, 'verbs must contain at least one value', 'verbs')
  if (verbs?.some((verb) => !VERBS.includes(verb)) && !verbs.includes('*')) errors.push(notSupported(path, verbs, VERBS))
}

function checkList(errors: Errors, path: string, values: readonly string[] | undefined, empty: string, what: string): void {
  if (!values?.length) errors.push(required(path, empty))
  else if (values.length > 1 && values.includes('*'))
    errors.push(invalid(path, values, `if '*' is present, must not specify other ${what}`))
}
