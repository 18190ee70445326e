/** `x-kubernetes-validations`: CEL rules of a schema, compiled once, run over each value that they are about. */
import { compileCel, type CelProgram } from '../../api/cel/compile.ts'
import { parse } from '../../api/cel/parse.ts'
import { CelError, type CelMap, type CelValue } from '../../api/cel/values.ts'
import { invalid, type FieldError, type FieldErrorReason } from '../../api/field-error.ts'
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/types.ts'
import { toCel } from './to-cel.ts'

type Schema = JSONSchemaProps
type Check = (value: unknown, old: unknown, path: string, errors: FieldError[]) => void

/** `old` is the value before an update; undefined where there is none that this one came from. */
export type RuleCheck = (object: unknown, old: unknown) => FieldError[]

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)
const isObject = (value: unknown): value is Record<string, unknown> => isSchema(value)

const VARIABLES = ['self', 'oldSelf']

/** Undefined when there are no rules. Those that this server cannot run are left out: `unenforcedRules` tells them. */
export function compileRules(schema: Schema): RuleCheck | undefined {
  const check = compile(schema, true)
  if (!check) return undefined
  return (object, old) => {
    const errors: FieldError[] = []
    check(object, old, '', errors)
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
  return (value, old, path, errors) => {
    if (value === null || value === undefined) return
    if (rules.length > 0) {
      const self = toCel(value, schema, isRoot)
      const oldSelf = old === undefined || old === null ? undefined : toCel(old, schema, isRoot)
      for (const rule of rules) errors.push(...rule(self, oldSelf, path))
    }
    if (Array.isArray(value)) {
      if (item) value.forEach((one, index) => item(one, oldItem(one, old, schema), `${path}[${index}]`, errors))
    } else if (isObject(value)) {
      const before = isObject(old) ? old : {}
      for (const name in value) {
        const check = members.get(name) ?? (Object.hasOwn(schema.properties ?? {}, name) ? undefined : free)
        check?.(value[name], Object.hasOwn(before, name) ? before[name] : undefined, path ? `${path}.${name}` : name, errors)
      }
    }
  }
}

/** Only the items of a map by key are the same from one version to the next. */
function oldItem(item: unknown, old: unknown, schema: Schema): unknown {
  const keys = schema['x-kubernetes-list-map-keys']
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys || !Array.isArray(old) || !isObject(item)) return undefined
  return old.find((one: unknown) => isObject(one) && keys.every((key) => one[key] === item[key]))
}

function compileRule(
  rule: ValidationRule,
  schema: Schema,
): ((self: CelValue, old: CelValue | undefined, path: string) => FieldError[])[] {
  const program = tryCompile(rule.rule)
  if (typeof program === 'string') return []
  const isTransition = program.uses.has('oldSelf')
  const message = rule.messageExpression ? tryCompile(rule.messageExpression) : undefined
  const fail = failing(rule, schema)
  return [
    (self, oldSelf, path) => {
      if (isTransition && oldSelf === undefined) return []
      const variables: CelMap = oldSelf === undefined ? { self } : { self, oldSelf }
      try {
        if (program.evaluate(variables) === true) return []
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        return [invalid(path || '<nil>', typeOf(schema), errorText(error, rule))]
      }
      return [fail(path, typeof message === 'object' ? ownMessage(message, variables) : undefined)]
    },
  ]
}

const typeOf = ({ type = '' }: Schema): string => type

const nameOf = ({ message, rule }: ValidationRule): string => message || rule.trim()

function errorText({ message }: CelError, rule: ValidationRule): string {
  if (!message.startsWith('no such overload')) return `${message} evaluating rule: ${nameOf(rule)}`
  const why = 'call arguments did not match a supported operator, function or macro signature for rule'
  return `'${message}': ${why}: ${nameOf(rule)}`
}

/** An expression that fails, or answers nothing to show, gives way to the plain message. */
function ownMessage(program: CelProgram, variables: CelMap): string | undefined {
  try {
    const value = program.evaluate(variables)
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
