/** `x-kubernetes-validations`: CEL rules of a schema, compiled once, run over each value that they are about. */
import { compileCel, type CelProgram } from '../../api/cel/compile.ts'
import { parse } from '../../api/cel/parse.ts'
import { MAX_COST, type CelBudget } from '../../api/cel/run.ts'
import { CelError, type CelMap, type CelValue } from '../../api/cel/values.ts'
import { invalid, type FieldError, type FieldErrorReason } from '../../api/field-error.ts'
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/types.ts'
import { toCel } from './to-cel.ts'

type Schema = JSONSchemaProps
type Check = (value: unknown, old: unknown, path: string, errors: FieldError[], budget: CelBudget) => void

/** `old` is the value before an update; undefined where there is none that this one came from. */
export type RuleCheck = (object: unknown, old: unknown) => FieldError[]

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)
const isObject = (value: unknown): value is Record<string, unknown> => isSchema(value)

const VARIABLES = ['self', 'oldSelf']

/** Upstream's limit for all rules about one object together. */
const MAX_OBJECT_COST = 10_000_000

/** Undefined when there are no rules. Those that this server cannot run are left out: `unenforcedRules` tells them. */
export function compileRules(schema: Schema, maxCost = MAX_OBJECT_COST): RuleCheck | undefined {
  const check = compile(schema, true)
  if (!check) return undefined
  return (object, old) => {
    const errors: FieldError[] = []
    check(object, old, '', errors, { left: maxCost })
    return errors
  }
}

/** Why this is no CEL; null when it is, or when it is of a newer kind than this server knows. */
export function ruleComplaint(rule: string): string | null {
  try {
    parse(rule)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Rules that are CEL, and use what this server does not have: each with the reason. */
export function unenforcedRules(schema: Schema): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) => {
    const program = tryCompile(rule)
    return typeof program === 'string' ? [`the rule ${JSON.stringify(rule)} is not enforced: ${program}`] : []
  })
  return [...own, ...below(schema).flatMap(unenforcedRules)]
}

const below = ({ properties, items, additionalProperties }: Schema): Schema[] =>
  [...Object.values(properties ?? {}), items, additionalProperties].filter(isSchema)

function tryCompile(rule: string): CelProgram | string {
  try {
    return compileCel(rule, VARIABLES)
  } catch (error) {
    return (error as Error).message
  }
}

function compile(schema: Schema, isRoot = false): Check | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => compileRule(rule, schema))
  const members = new Map(
    Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const check = compile(property)
      return check ? [[name, check] as const] : []
    }),
  )
  const free = isSchema(schema.additionalProperties) ? compile(schema.additionalProperties) : undefined
  const item = isSchema(schema.items) ? compile(schema.items) : undefined
  if (rules.length === 0 && members.size === 0 && !free && !item) return undefined
  return (value, old, path, errors, budget) => {
    if (value === null || value === undefined || budget.left < 0) return
    if (rules.length > 0) {
      const self = toCel(value, schema, isRoot)
      const oldSelf = old === undefined || old === null ? undefined : toCel(old, schema, isRoot)
      for (const rule of rules) errors.push(...rule(self, oldSelf, path, budget))
    }
    if (Array.isArray(value)) {
      if (!item) return
      const before = oldItems(old, schema)
      value.forEach((one, index) => item(one, before(one), `${path}[${index}]`, errors, budget))
    } else if (isObject(value)) {
      const before = isObject(old) ? old : {}
      for (const name in value) {
        const check = members.get(name) ?? (Object.hasOwn(schema.properties ?? {}, name) ? undefined : free)
        check?.(
          value[name],
          Object.hasOwn(before, name) ? before[name] : undefined,
          path ? `${path}.${name}` : name,
          errors,
          budget,
        )
      }
    }
  }
}

/** Only the items of a map by key are the same from one version to the next. */
function oldItems(old: unknown, schema: Schema): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys']
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys || !Array.isArray(old)) return () => undefined
  const identityOf = (item: Record<string, unknown>) => JSON.stringify(keys.map((key) => item[key]))
  // Of several with one key the first counts.
  const before = new Map(
    old
      .filter(isObject)
      .toReversed()
      .map((item) => [identityOf(item), item]),
  )
  return (item) => (isObject(item) ? before.get(identityOf(item)) : undefined)
}

function compileRule(
  rule: ValidationRule,
  schema: Schema,
): ((self: CelValue, old: CelValue | undefined, path: string, budget: CelBudget) => FieldError[])[] {
  const program = tryCompile(rule.rule)
  if (typeof program === 'string') return []
  const isTransition = program.uses.has('oldSelf')
  const message = rule.messageExpression ? tryCompile(rule.messageExpression) : undefined
  const fail = failing(rule, schema)
  return [
    (self, oldSelf, path, budget) => {
      if ((isTransition && oldSelf === undefined) || budget.left < 0) return []
      const variables: CelMap = oldSelf === undefined ? { self } : { self, oldSelf }
      try {
        if (spend(program, variables, budget) === true) return []
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        return [invalid(path || '<nil>', typeOf(schema), budget.left < 0 ? OUT_OF_BUDGET : errorText(error, rule))]
      }
      return [fail(path, typeof message === 'object' ? ownMessage(message, variables, budget) : undefined)]
    },
  ]
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** One expression has its own limit within that of the object; below zero when it was the object's that it met. */
function spend(program: CelProgram, variables: CelMap, budget: CelBudget): CelValue {
  const own = { left: Math.min(MAX_COST, budget.left) }
  const given = own.left
  try {
    return program.evaluate(variables, own)
  } finally {
    budget.left = own.left < 0 && given < MAX_COST ? -1 : budget.left - (given - Math.max(0, own.left))
  }
}

const typeOf = ({ type = '' }: Schema): string => type

const nameOf = ({ message, rule }: ValidationRule): string => message || rule.trim()

function errorText({ message }: CelError, rule: ValidationRule): string {
  if (!message.startsWith('no such overload')) return `${message} evaluating rule: ${nameOf(rule)}`
  const why = 'call arguments did not match a supported operator, function or macro signature for rule'
  return `'${message}': ${why}: ${nameOf(rule)}`
}

/** An expression that fails, or answers nothing to show, gives way to the plain message. */
function ownMessage(program: CelProgram, variables: CelMap, budget: CelBudget): string | undefined {
  try {
    const value = spend(program, variables, budget)
    return typeof value === 'string' && value.trim() !== '' && !value.includes('\n') ? value.trim() : undefined
  } catch (error) {
    if (error instanceof CelError) return undefined
    throw error
  }
}

function failing(rule: ValidationRule, schema: Schema): (path: string, message: string | undefined) => FieldError {
  const below = (rule.fieldPath ?? '').replace(/\['([^']*)'\]/g, '[$1]')
  const reason = (rule.reason || 'FieldValueInvalid') as FieldErrorReason
  return (path, own) => {
    const detail = own ?? (rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`)
    const field = (path + below).replace(/^\./, '') || '<nil>'
    const type = JSON.stringify(typeOf(schema))
    switch (reason) {
      case 'FieldValueForbidden':
        return { reason, field, message: `Forbidden: ${detail}` }
      case 'FieldValueRequired':
        return { reason, field, message: `Required value: ${detail}` }
      case 'FieldValueDuplicate':
        return { reason, field, message: `Duplicate value: ${type}` }
      default:
        return invalid(field, typeOf(schema), detail)
    }
  }
}
