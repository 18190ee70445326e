/** Whether the rules of a schema stay within what upstream lets them cost at most, each alone and all together. */
import { parse } from '../../../api/cel/parse.ts'
import { forbidden, type FieldError } from '../../../api/field-error.ts'
import type { JSONSchemaProps } from '../../../api/generated/types.ts'
import { declaredType, REQUEST_BYTES, type DeclaredType } from './declared-type.ts'
import { estimateCost } from './estimate.ts'

type Schema = JSONSchemaProps

const RULE_LIMIT = 10_000_000
const SCHEMA_LIMIT = 100_000_000

/** Rules below a hundredth of the schema's limit are not named when it is exceeded, nor more than these. */
const NAMED = 4

interface Spent {
  errors: FieldError[]
  total: number
  expensive: { path: string; cost: number }[]
}

/** Where a schema is: how often a value of it can be in an object, if the schemas above say so, and whether rules above see it. */
interface Position {
  path: string
  times: number | undefined
  isResource: boolean
}

/** Of a valid schema. What is no CEL costs nothing here. */
export function checkCosts(schema: Schema, path: string): FieldError[] {
  const spent: Spent = { errors: [], total: 0, expensive: [] }
  visit(schema, { path, times: 1, isResource: true }, spent)
  if (spent.total <= SCHEMA_LIMIT) return spent.errors
  const named = spent.expensive.toSorted((a, b) => b.cost - a.cost).slice(0, NAMED)
  const whole = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
  return [
    ...spent.errors,
    ...named.map((rule) =>
      forbidden(
        rule.path,
        'contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema',
      ),
    ),
    forbidden(path, exceeds(whole, spent.total, SCHEMA_LIMIT)),
  ]
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

function visit(schema: Schema, position: Position, spent: Spent): void {
  const { path } = position
  const times = timesBelow(schema, position.times)
  const child = (below: unknown, at: string) => {
    if (!isSchema(below)) return
    visit(below, { path: `${path}.${at}`, times, isResource: below['x-kubernetes-embedded-resource'] === true }, spent)
  }
  child(schema.items, 'items')
  child(schema.additionalProperties, 'additionalProperties')
  for (const [name, property] of Object.entries(schema.properties ?? {})) child(property, `properties[${name}]`)
  checkRules(schema, position, spent)
}

function checkRules(schema: Schema, { path, times, isResource }: Position, spent: Spent): void {
  const rules = schema['x-kubernetes-validations'] ?? []
  const self = rules.length > 0 ? declaredType(schema, isResource) : undefined
  if (!self) return
  for (const [index, { rule, messageExpression }] of rules.entries()) {
    const at = `${path}.x-kubernetes-validations[${index}]`
    const occurrences = times ?? Math.floor(REQUEST_BYTES / (self.least + 1))
    observe(spent, `${at}.rule`, 'estimated rule cost', costOf(rule, self) * occurrences)
    if (messageExpression)
      observe(spent, `${at}.messageExpression`, 'estimated messageExpression cost', costOf(messageExpression, self))
  }
}

function observe(spent: Spent, path: string, what: string, cost: number): void {
  if (cost > RULE_LIMIT) spent.errors.push(forbidden(path, exceeds(what, cost, RULE_LIMIT)))
  spent.total += cost
  if (cost >= SCHEMA_LIMIT / 100) spent.expensive.push({ path, cost })
}

function costOf(text: string, self: DeclaredType): number {
  try {
    return estimateCost(parse(text), self)
  } catch {
    // Said elsewhere, in the words of the parser.
    return 0
  }
}

/** Undefined when a list or a map above has no bound. */
function timesBelow(schema: Schema, times: number | undefined): number | undefined {
  const factor = mostBelow(schema)
  return times === undefined || factor === undefined ? undefined : times * Math.max(0, factor)
}

function mostBelow({ type, maxItems, additionalProperties, maxProperties }: Schema): number | undefined {
  if (type === 'array') return maxItems
  return type === 'object' && additionalProperties !== undefined ? maxProperties : 1
}

function exceeds(what: string, cost: number, limit: number): string {
  const factor = cost / limit
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared'
  return `${what} exceeds budget by factor of ${times} (${advice})`
}
