/** The rules of a custom resource's schema: what it may say, that it is structural, and that its defaults are values of it. Pure. */
import type { FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { checkDefaults } from './check-defaults.ts'
import { checkKeywords } from './check-keywords.ts'
import { checkStructure } from './check-structure.ts'

export function checkSchema(schema: JSONSchemaProps, path: string): FieldError[] {
  const errors = checkKeywords(schema, path)
  const structure = checkStructure(schema, path)
  // Whether a default fits can only be said of a structural schema.
  return [...errors, ...(structure.length > 0 ? structure : checkDefaults(schema, path))]
}
