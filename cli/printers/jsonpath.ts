/** `-o jsonpath=…` */
import { JsonPathError, parseJsonPath } from '../../api/jsonpath.ts'
import type { JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import type { Printer } from './printer.ts'

export function createJsonPathPrinter(template: string, { asJson = false } = {}): Printer {
  if (template === '') throw new CliError('template format specified but no template given')
  const path = reading(`error parsing jsonpath ${template}, `, () => parseJsonPath(template))
  return (object: JsonObject) =>
    reading(`error executing jsonpath ${JSON.stringify(template)}: Error executing template: `, () =>
      asJson ? JSON.stringify(path.find(object), null, 4) : path.render(object),
    )
}

function reading<T>(prefix: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof JsonPathError ? new CliError(prefix + error.message) : error
  }
}
