/** `status.typeChecking` of a ValidatingAdmissionPolicy: its expressions against every kind that its rules name. Pure. */
import { describeError } from '../../api/cel/compile.ts'
import { parse } from '../../api/cel/parse.ts'
import { CelError } from '../../api/cel/values.ts'
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '../../api/generated/types.ts'
import { groupVersion, type ServedResource, type ServedResources } from '../served-resources.ts'
import { checkTypes, typeOfModel, typeOfSchema, type Type } from './check-types.ts'

/** Upstream's limit of kinds to check against. */
const MAX_KINDS = 10

export function typeCheckPolicy({ spec }: ValidatingAdmissionPolicy, resources: ServedResources): ExpressionWarning[] {
  const kinds = kindsOf(spec.matchConstraints?.resourceRules ?? [], resources)
  const named = spec.paramKind && findKind(resources, spec.paramKind.apiVersion ?? '', spec.paramKind.kind ?? '')
  const params = named && typeOf(named)
  const expressions = (spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    { fieldRef: `spec.validations[${index}].expression`, expression },
    ...(messageExpression ? [{ fieldRef: `spec.validations[${index}].messageExpression`, expression: messageExpression }] : []),
  ])
  return expressions.flatMap(({ fieldRef, expression }) => {
    const warnings = kinds.flatMap((resource) => {
      const type = typeOf(resource)
      const scope = new Map([['object', type], ['oldObject', type], ...(params ? [['params', params] as const] : [])] as const)
      const complaint = complaintOf(expression, scope)
      return complaint ? [`${resource.apiVersion}, Kind=${resource.definition.names.kind}: ${complaint}\n`] : []
    })
    return warnings.length > 0 ? [{ fieldRef, warning: warnings.join('') }] : []
  })
}

function complaintOf(expression: string, scope: ReadonlyMap<string, Type>): string | undefined {
  try {
    checkTypes(parse(expression), scope)
    return undefined
  } catch (error) {
    if (error instanceof CelError) return describeError(expression, error)
    throw error
  }
}

function typeOf({ definition, version }: ServedResource): Type {
  const model = definition.models[version]
  if (model !== undefined) return typeOfModel(model)
  const schema = definition.schemas?.[version]
  return schema ? typeOfSchema(schema) : { kind: 'dyn' }
}

type Rules = NonNullable<NonNullable<ValidatingAdmissionPolicy['spec']['matchConstraints']>['resourceRules']>

/** Those that are named in full: what a star stands for is not checked. */
function kindsOf(rules: Rules, resources: ServedResources): ServedResource[] {
  const found = new Set<ServedResource>()
  for (const { apiGroups = [], apiVersions = [], resources: plurals = [] } of rules)
    for (const group of apiGroups)
      for (const version of apiVersions)
        for (const plural of plurals) {
          const resource = resources.find(group, version, plural)
          if (resource && found.size < MAX_KINDS) found.add(resource)
        }
  return [...found]
}

function findKind(resources: ServedResources, apiVersion: string, kind: string): ServedResource | undefined {
  for (const [group, definitions] of resources.groups())
    for (const { names } of definitions) {
      const version = names.versions.find((one) => groupVersion(group, one) === apiVersion)
      if (names.kind === kind && version !== undefined) return resources.find(group, version, names.plural)
    }
  return undefined
}
