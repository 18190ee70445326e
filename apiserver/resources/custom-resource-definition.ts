/** CustomResourceDefinition. */
import { forbidden, invalid, required, type FieldError } from '../../api/field-error.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '../../api/generated/types.ts'
import { isDNS1035Label, isDNS1123Subdomain } from '../../api/names.ts'
import { checkCosts } from '../custom-resources/costs/check-costs.ts'
import { checkSchema } from '../custom-resources/check-schema.ts'
import { unenforcedRules } from '../custom-resources/compile-rules.ts'
import { CREATED_AT, NAME } from './columns.ts'
import { copyMember, specChanges } from './define-resource.ts'
import { checkImmutable, checkOneOf, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'
import { validateClientConfig, validateReviewVersions } from './webhook-configuration.ts'

const FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export const customResourceDefinition: ResourceBehaviour<CustomResourceDefinition> = {
  setDefaults: ({ spec }) => {
    const names = spec.names
    if (names) {
      names.singular ||= names.kind?.toLowerCase()
      names.listKind ||= names.kind && `${names.kind}List`
    }
    spec.conversion ??= { strategy: 'None' }
    const { webhook } = spec.conversion
    if (webhook?.clientConfig?.service) webhook.clientConfig.service.port ??= 443
  },
  newStatus: ({ spec }) => ({
    conditions: [],
    acceptedNames: { plural: '', kind: '' },
    storedVersions: (spec.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
  }),
  prepareForCreate: ({ metadata }) => {
    // Its objects go first.
    if (!metadata.finalizers?.includes(FINALIZER)) metadata.finalizers = [...(metadata.finalizers ?? []), FINALIZER]
  },
  prepareForUpdate: (definition) => {
    // A version that is written in from now on is one that objects may be stored in.
    const storage = definition.spec.versions.find((version) => version.storage)?.name
    const stored = definition.status?.storedVersions ?? []
    if (storage && !stored.includes(storage)) {
      definition.status = { ...definition.status, storedVersions: [...stored, storage] }
    }
  },
  prepareForStatusUpdate: (definition, old) => {
    definition.spec = old.spec
    for (const member of ['labels', 'annotations', 'ownerReferences']) copyMember(member, old.metadata, definition.metadata)
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    const expected = `${spec.names?.plural}.${spec.group}`
    if (metadata.name !== expected)
      errors.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
    validateSpec(errors, spec)
    validateApproval(errors, metadata.annotations, spec.group ?? '')
    return errors
  },
  validateCreate: ({ spec }) => costErrors(spec.versions),
  validateUpdate: ({ spec, status }, old) => {
    const errors: Errors = costErrors(spec.versions, old.spec.versions)
    if (old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) {
      checkImmutable(errors, 'spec.scope', spec.scope, old.spec.scope)
      checkImmutable(errors, 'spec.names.kind', spec.names.kind, old.spec.names.kind)
    }
    checkImmutable(errors, 'spec.group', spec.group, old.spec.group)
    checkImmutable(errors, 'spec.names.plural', spec.names.plural, old.spec.names.plural)
    validateStoredVersions(errors, status?.storedVersions ?? [], spec.versions)
    return errors
  },
  warnings: ({ spec }) =>
    (spec.versions ?? []).flatMap(({ schema }) => (schema?.openAPIV3Schema ? unenforcedRules(schema.openAPIV3Schema) : [])),
  generationChanges: specChanges,
  columns: [NAME, CREATED_AT],
  hasStatus: true,
  unconditionalUpdate: false,
}

/** What is served with rules that cost too much goes on being served, until its schema is changed. */
function costErrors(
  versions: readonly CustomResourceDefinitionVersion[],
  old: readonly CustomResourceDefinitionVersion[] = [],
): FieldError[] {
  const isShared = sharedParts(versions).has('schema')
  return versions.flatMap(({ name, schema }, i) => {
    const before = old.find((version) => version.name === name)
    if (!schema?.openAPIV3Schema || (isShared && i > 0) || (before && sameJson(before.schema, schema))) return []
    return checkCosts(schema.openAPIV3Schema, `${isShared ? 'spec.validation' : `spec.versions[${i}].schema`}.openAPIV3Schema`)
  })
}

function validateSpec(errors: Errors, spec: CustomResourceDefinition['spec']): void {
  validateGroup(errors, 'spec.group', spec.group)
  checkOneOf(errors, 'spec.scope', spec.scope, ['Cluster', 'Namespaced'])
  if (spec.preserveUnknownFields) {
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false'))
  }
  const versions = spec.versions ?? []
  const shared = sharedParts(versions)
  versions.forEach((version, i) => validateVersion(errors, `spec.versions[${i}]`, version, shared))
  const complaints = isDNS1035Label(versions[0]?.name ?? '')
  if (complaints.length > 0) errors.push(invalid('spec.version', versions[0]?.name ?? '', complaints.join(',')))
  if (new Set(versions.map(({ name }) => name)).size !== versions.length) {
    errors.push(invalid('spec.versions', versions, 'must contain unique version names'))
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'))
  }
  validateNames(errors, 'spec.names', spec.names ?? ({} as CustomResourceDefinitionNames))
  if (spec.conversion) validateConversion(errors, 'spec.conversion', spec.conversion)
}

type Part = 'schema' | 'subresources' | 'additionalPrinterColumns'

/** Upstream holds what is the same in all versions once, and names it by that place. */
function sharedParts(versions: readonly CustomResourceDefinitionVersion[]): ReadonlySet<Part> {
  const parts: Part[] = ['schema', 'subresources', 'additionalPrinterColumns']
  return new Set(parts.filter((part) => versions.every((version) => sameJson(version[part], versions[0]?.[part]))))
}

function validateGroup(errors: Errors, path: string, group: string): void {
  if (!group) {
    errors.push(required(path))
    return
  }
  const complaints = isDNS1123Subdomain(group)
  if (complaints.length > 0) errors.push(invalid(path, group, complaints.join(',')))
  else if (!group.includes('.')) errors.push(invalid(path, group, 'should be a domain with at least one dot'))
}

function validateNames(errors: Errors, path: string, names: CustomResourceDefinitionNames): void {
  const label = (member: string, value: string | undefined, prefix = '') => {
    if (!value) {
      errors.push(required(`${path}.${member}`))
      return
    }
    const complaints = isDNS1035Label(prefix ? value.toLowerCase() : value)
    if (complaints.length > 0) errors.push(invalid(`${path}.${member}`, value, prefix + complaints.join(',')))
  }
  const mixed = 'may have mixed case, but should otherwise match: '
  label('plural', names.plural)
  label('singular', names.singular)
  label('kind', names.kind, mixed)
  label('listKind', names.listKind, mixed)
  names.shortNames?.forEach((name, i) => label(`shortNames[${i}]`, name))
  names.categories?.forEach((name, i) => label(`categories[${i}]`, name))
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  }
}

function validateVersion(
  errors: Errors,
  path: string,
  version: CustomResourceDefinitionVersion,
  shared: ReadonlySet<Part>,
): void {
  const complaints = isDNS1035Label(version.name ?? '')
  if (complaints.length > 0) errors.push(invalid(`${path}.name`, version.name ?? '', complaints.join(',')))
  validateDeprecation(errors, path, version)
  const isFirst = path === 'spec.versions[0]'
  const schema = version.schema?.openAPIV3Schema
  const schemaPath = shared.has('schema') ? 'spec.validation' : `${path}.schema`
  if (!schema) errors.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'))
  else if (isFirst || !shared.has('schema')) errors.push(...checkSchema(schema, `${schemaPath}.openAPIV3Schema`))
  const { additionalPrinterColumns: columns, subresources } = version
  if (columns && (isFirst || !shared.has('additionalPrinterColumns'))) {
    const at = shared.has('additionalPrinterColumns') ? 'spec' : path
    columns.forEach((column, i) => validateColumn(errors, `${at}.additionalPrinterColumns[${i}]`, column))
  }
  if (subresources && (isFirst || !shared.has('subresources'))) {
    validateSubresources(errors, `${shared.has('subresources') ? 'spec' : path}.subresources`, subresources)
  }
  const paths = new Set<string>()
  version.selectableFields?.forEach(({ jsonPath }, i) => {
    const at = `${path}.selectableFields[${i}].jsonPath`
    if (!jsonPath) errors.push(required(at))
    else if (!/^(\.[A-Za-z0-9_-]+)+$/.test(jsonPath))
      errors.push(invalid(at, jsonPath, 'must be a simple path of dot-separated field names'))
    else if (jsonPath.startsWith('.metadata')) errors.push(invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (paths.has(jsonPath))
      errors.push({ reason: 'FieldValueDuplicate', field: at, message: `Duplicate value: ${JSON.stringify(jsonPath)}` })
    paths.add(jsonPath)
  })
}

function validateDeprecation(
  errors: Errors,
  path: string,
  { deprecated, deprecationWarning: warning }: CustomResourceDefinitionVersion,
): void {
  if (warning === undefined) return
  const fails = (why: string) => errors.push(invalid(`${path}.deprecationWarning`, warning, why))
  if (!deprecated) fails('can only be set for deprecated versions')
  if (warning.length > 256) fails('must be <= 256 characters long')
  if (warning === '') fails('must not be an empty string')
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

function validateColumn(errors: Errors, path: string, { name, type, format, jsonPath }: CustomResourceColumnDefinition): void {
  if (!name) errors.push(required(`${path}.name`))
  if (!type) errors.push(required(`${path}.type`, `must be one of ${COLUMN_TYPES.join(',')}`))
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalid(`${path}.type`, type, `must be one of ${COLUMN_TYPES.join(',')}`))
  if (format && !COLUMN_FORMATS.includes(format))
    errors.push(invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`))
  if (!jsonPath) errors.push(required(`${path}.JSONPath`))
  else if (!jsonPath.startsWith('.'))
    errors.push(invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'))
}

function validateSubresources(errors: Errors, path: string, { scale }: CustomResourceSubresources): void {
  if (!scale) return
  checkScalePath(
    errors,
    `${path}.scale.specReplicasPath`,
    scale.specReplicasPath,
    ['.spec.'],
    'should be a json path under .spec',
  )
  checkScalePath(
    errors,
    `${path}.scale.statusReplicasPath`,
    scale.statusReplicasPath,
    ['.status.'],
    'should be a json path under .status',
  )
  if (scale.labelSelectorPath) {
    const why = 'should be a json path under either .spec or .status'
    checkScalePath(errors, `${path}.scale.labelSelectorPath`, scale.labelSelectorPath, ['.spec.', '.status.'], why)
  }
}

function checkScalePath(errors: Errors, path: string, value: string, roots: readonly string[], why: string): void {
  if (!value) errors.push(required(path))
  else if (!value.startsWith('.')) errors.push(invalid(path, value, 'must be a simple json path starting with .'))
  else if (!/^(\.[A-Za-z0-9_-]+)+$/.test(value)) errors.push(invalid(path, value, 'must be a json path in the dot notation'))
  else if (!roots.some((root) => value.startsWith(root))) errors.push(invalid(path, value, why))
}

function validateConversion(errors: Errors, path: string, { strategy, webhook }: CustomResourceConversion): void {
  checkOneOf(errors, `${path}.strategy`, strategy, ['None', 'Webhook'])
  if (strategy === 'Webhook') {
    if (!webhook?.clientConfig) errors.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'))
    else validateClientConfig(errors, `${path}.webhookClientConfig`, webhook.clientConfig)
    validateReviewVersions(errors, `${path}.conversionReviewVersions`, webhook?.conversionReviewVersions ?? [], '')
  } else if (webhook) {
    errors.push(forbidden(`${path}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook'))
  }
}

function validateStoredVersions(
  errors: Errors,
  stored: readonly string[],
  versions: readonly CustomResourceDefinitionVersion[],
): void {
  const path = 'status.storedVersions'
  if (stored.length === 0) {
    errors.push(invalid(path, stored, 'must have at least one stored version'))
    return
  }
  const names = new Set(versions.map(({ name }) => name))
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) errors.push(invalid(path, name, `must have the storage version ${name}`))
  }
  stored.forEach((name, i) => {
    if (names.has(name)) return
    const why =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage ` +
      `migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(invalid(`${path}[${i}]`, name, why))
  })
}

/** Groups of the project itself are open to those that it has agreed to. */
function validateApproval(errors: Errors, annotations: Record<string, string> | undefined, group: string): void {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return
  const key = 'api-approved.kubernetes.io'
  const path = `metadata.annotations[${key}]`
  const value = annotations?.[key] ?? ''
  if (value === '') {
    const why =
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'
    errors.push(required(path, why))
  } else if (!value.startsWith('unapproved') && !URL.canParse(value)) {
    const why =
      'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'
    errors.push(invalid(path, value, why))
  }
}
