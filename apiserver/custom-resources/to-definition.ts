/** A CustomResourceDefinition as the same kind of value that built-in resources are. Pure. */
import { ageOf } from '../../api/duration.ts'
import type { FieldError } from '../../api/field-error.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { AGE, NAME } from '../resources/columns.ts'
import { completeBehaviour } from '../resources/define-resource.ts'
import type { Column, ResourceDefinition } from '../resources/resource.ts'
import { sameJson } from '../resources/same-json.ts'
import { compileJsonPath } from './json-path.ts'
import { validateSchema } from './validate-schema.ts'

type Members = Record<string, unknown>

/** Undefined when it serves no version at all. Columns, subresources and rules are those of the stored version. */
export function toDefinition({ spec }: CustomResourceDefinition): ResourceDefinition | undefined {
  const served = spec.versions.filter((version) => version.served)
  const stored = spec.versions.find((version) => version.storage)
  if (served.length === 0 || !stored) return undefined
  const { plural, singular = '', kind, listKind = `${kind}List`, shortNames = [], categories = [] } = spec.names
  const names = {
    group: spec.group,
    versions: served.map(({ name }) => name) as [string, ...string[]],
    storageVersion: stored.name,
    kind,
    listKind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === 'Namespaced',
  }
  const schemas = Object.fromEntries(
    served.flatMap(({ name, schema }) => (schema?.openAPIV3Schema ? [[name, schema.openAPIV3Schema]] : [])),
  )
  const hasStatus = stored.subresources?.status !== undefined
  const { scale } = stored.subresources ?? {}
  return {
    ...completeBehaviour(
      names,
      {},
      {
        validate: (object) => validate(object, stored),
        ...(hasStatus && {
          hasStatus,
          validateStatusUpdate: (object: KubeObject) => validate(object, stored),
          prepareForCreate: (object: KubeObject) => void delete (object as unknown as Members).status,
        }),
        unconditionalUpdate: false,
        generationChanges: (object, old) => !sameJson(contentOf(object, hasStatus), contentOf(old, hasStatus)),
        columns: columnsOf(stored.additionalPrinterColumns ?? []),
        ...(scale && {
          scale: {
            specReplicas: scale.specReplicasPath,
            statusReplicas: scale.statusReplicasPath,
            selector: scale.labelSelectorPath ?? '',
          },
        }),
        selectableFields: selectableFieldsOf(stored),
      },
    ),
    schemas,
  }
}

function validate(object: KubeObject, { schema }: CustomResourceDefinitionVersion): FieldError[] {
  return schema?.openAPIV3Schema ? validateSchema(object, schema.openAPIV3Schema) : []
}

/** What metadata.generation counts changes of. */
function contentOf({ metadata: _metadata, ...content }: KubeObject, hasStatus: boolean): Members {
  if (hasStatus) delete (content as Members).status
  return content
}

function columnsOf(columns: readonly CustomResourceColumnDefinition[]): Column<KubeObject>[] {
  if (columns.length === 0) return [NAME, AGE]
  return [NAME, ...columns.map(toColumn)]
}

function toColumn({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column<KubeObject> {
  const valuesOf = compileJsonPath(jsonPath)
  return {
    name,
    type: type as Column<KubeObject>['type'],
    ...(format && { format }),
    ...(description && { description }),
    ...(priority && { priority }),
    value: (object, now) => {
      const values = valuesOf(object)
      if (values.length === 0) return null
      if (type === 'date') return ageOf(String(values[0]), now)
      if (type === 'string') return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(',')
      return values[0]
    },
  }
}

function selectableFieldsOf({
  selectableFields = [],
}: CustomResourceDefinitionVersion): Record<string, (object: KubeObject) => string> {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const valuesOf = compileJsonPath(jsonPath)
      return [jsonPath.replace(/^\./, ''), (object: KubeObject) => String(valuesOf(object)[0] ?? '')]
    }),
  )
}
