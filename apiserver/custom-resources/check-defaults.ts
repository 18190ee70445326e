/** Defaults are values of the schema that they stand in: of its type, by its rules, with no field that it does not know. */
import { invalid, type FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import { compileValidator } from './compile-validator.ts'
import { prune } from './prune-and-default.ts'

export function checkDefaults(root: JSONSchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = []
  walk(errors, root, path)
  return errors
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Not below additionalProperties, as upstream. */
function walk(errors: FieldError[], schema: JSONSchemaProps, path: string): void {
  if (schema.default !== undefined && schema.default !== null) {
    const at = `${path}.default`
    if (!isPruned(schema.default, schema)) errors.push(invalid(at, schema.default, 'must not have unknown fields'))
    errors.push(...compileValidator(schema, at)(schema.default))
  }
  if (isSchema(schema.items)) walk(errors, schema.items, `${path}.items`)
  for (const [name, property] of Object.entries(schema.properties ?? {})) walk(errors, property, `${path}.properties[${name}]`)
}

/** Wrapped, since the outermost value is read as an object with metadata. */
const isPruned = (value: unknown, schema: JSONSchemaProps): boolean =>
  deepEqual(prune({ spec: value }, { type: 'object', properties: { spec: { ...schema, nullable: true } } }).value, {
    spec: value,
  })
