/** A CustomResourceDefinition as the same kind of values that built-in resources are: one for each version it serves. Pure. */
import { invalid, type FieldError } from '../../api/field-error.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { completeBehaviour } from '../resources/define-resource.ts'
import type { ResourceBehaviour, ResourceDefinition, ResourceNames, Verb } from '../resources/resource.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import { isTrue } from './accept-names.ts'
import { columnsOf, compilePath } from './columns.ts'
import { compileRules } from './compile-rules.ts'
import { compileValidator } from './compile-validator.ts'
import { hasDefaults, pruneAndDefault } from './prune-and-default.ts'
import { newErrors } from './ratchet.ts'

type Members = Record<string, unknown>
type Version = CustomResourceDefinitionVersion

/** While its objects are on their way out nobody makes new ones. */
const VERBS_AT_THE_END: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Empty when it serves no version at all. Under the names that were accepted, the preferred version first. */
export function toDefinitions(definition: CustomResourceDefinition): ResourceDefinition[] {
  const stored = definition.spec.versions.find((version) => version.storage)
  if (!stored) return []
  const served = definition.spec.versions.filter((version) => version.served)
  return served.map((version) => toDefinition(definition, version, stored))
}

function toDefinition(definition: CustomResourceDefinition, version: Version, stored: Version): ResourceDefinition {
  const schema = version.schema?.openAPIV3Schema
  const show = shower(definition, version)
  const ending = isTrue(definition.status?.conditions, 'Terminating')
  const complete = completeBehaviour(
    namesOf(definition, version, stored),
    {},
    {
      ...rulesOf(version, schema && validatorOf(schema), show),
      unconditionalUpdate: false,
      columns: columnsOf(version.additionalPrinterColumns, show),
      selectableFields: selectableFieldsOf(version),
      ...scaleOf(version),
      ...(ending && { verbs: VERBS_AT_THE_END }),
      ...(version.deprecated && { deprecations: { [version.name]: deprecationOf(definition, version) } }),
    },
  )
  return {
    ...complete,
    ...(schema && { schemas: { [version.name]: schema } }),
    // Alike in both directions: a version differs from another in its name and in what it prunes and defaults.
    conversions: { [version.name]: { toStorage: shower(definition, version, true), fromStorage: show } },
    changesOnRead: changesOnRead(definition, schema),
  }
}

function namesOf({ spec, status }: CustomResourceDefinition, version: Version, stored: Version): ResourceNames {
  const accepted = { ...spec.names, ...status?.acceptedNames }
  const { plural, singular = '', kind, listKind = `${kind}List`, shortNames = [], categories = [] } = accepted
  return {
    group: spec.group,
    versions: [version.name],
    storageVersion: stored.name,
    kind,
    listKind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === 'Namespaced',
  }
}

/** The object as this version has it: without what its schema does not know, with what it defaults. A new value. */
function shower(
  { spec }: CustomResourceDefinition,
  { name, schema }: Version,
  bounded = false,
): (object: KubeObject) => KubeObject {
  const apiVersion = `${spec.group}/${name}`
  const known = schema?.openAPIV3Schema
  if (!known) return (object) => ({ ...object, apiVersion })
  return (object) =>
    ({ ...pruneAndDefault(object as unknown as Members, known, { bounded }).value, apiVersion }) as unknown as KubeObject
}

/** What is stored may differ from what is shown: there are defaults, or it was written by another schema or version. */
const changesOnRead = ({ metadata, status }: CustomResourceDefinition, schema: JSONSchemaProps | undefined): boolean =>
  (schema !== undefined && hasDefaults(schema)) || (metadata.generation ?? 1) > 1 || (status?.storedVersions?.length ?? 1) > 1

type Validator = (object: KubeObject, old?: KubeObject) => FieldError[]

/** A value that these are said of is not one that a rule could be asked about. */
const BLOCKING = new Set(['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'])

const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

/** Of an update only what it changes is complained about: an object from before a rule was made can still be worked with. */
function validatorOf(schema: JSONSchemaProps): Validator {
  const validate = compileValidator(schema)
  const rules = compileRules(schema)
  return (object, old) => {
    const fresh = (errors: FieldError[]) => (old && errors.length > 0 ? newErrors(errors, object, old) : errors)
    const errors = fresh(validate(object))
    if (!rules) return errors
    if (errors.some(({ reason }) => BLOCKING.has(reason))) return [...errors, invalid('<nil>', 'null', NOT_CHECKED)]
    return [...errors, ...fresh(rules(object, old))]
  }
}

function rulesOf(
  { subresources }: Version,
  validator: Validator | undefined,
  show: (object: KubeObject) => KubeObject,
): ResourceBehaviour<KubeObject> {
  const hasStatus = subresources?.status !== undefined && subresources.status !== null
  const validateUpdate = (object: KubeObject, old: KubeObject): FieldError[] => validator?.(object, show(old)) ?? []
  const updates = new WeakSet<KubeObject>()
  return {
    validate: (object) => (!validator || updates.has(object) ? [] : validator(object)),
    validateUpdate,
    prepareForUpdate: (object) => void updates.add(object),
    ...(hasStatus && {
      hasStatus,
      validateStatusUpdate: validateUpdate,
      prepareForCreate: (object: KubeObject) => void delete (object as unknown as Members).status,
    }),
    generationChanges: (object, old) => !sameJson(contentOf(object), contentOf(show(old))),
  }
}

/** What metadata.generation counts changes of: all but metadata. A status that is apart is the same on both sides by then. */
const contentOf = ({ metadata: _metadata, apiVersion: _apiVersion, ...content }: KubeObject): Members => content

function scaleOf({ subresources }: Version): Pick<ResourceBehaviour<KubeObject>, 'scale'> {
  const { scale } = subresources ?? {}
  if (!scale) return {}
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = scale
  return { scale: { specReplicas: specReplicasPath, statusReplicas: statusReplicasPath, selector: labelSelectorPath } }
}

function deprecationOf({ spec }: CustomResourceDefinition, { name, deprecationWarning }: Version): string {
  return deprecationWarning ?? `${spec.group}/${name} ${spec.names.kind} is deprecated`
}

function selectableFieldsOf({ selectableFields = [] }: Version): Record<string, (object: KubeObject) => string> {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const valuesOf = compilePath(jsonPath)
      return [jsonPath.replace(/^\./, ''), (object: KubeObject) => String(valuesOf(object)[0] ?? '')]
    }),
  )
}
