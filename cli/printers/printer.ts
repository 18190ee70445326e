/** What a printer of objects is, and the choice of one by `-o`. */
import { readFileSync } from 'node:fs'
import { messageOf } from '../../api/error-message.ts'
import type { Json, JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import { createCustomColumnsPrinter } from './custom-columns.ts'
import { createJsonPathPrinter } from './jsonpath.ts'
import { printJson } from './json.ts'
import { printName } from './name.ts'
import { printYaml } from './yaml.ts'

/** The text for one object or one list of them, without a line end after the last line. */
export type Printer = (object: JsonObject) => string

const FORMATS = ['json', 'yaml', 'name', 'wide', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file', 'custom-columns']

/** Undefined for tables, which the server makes: no `-o`, or `-o wide`. */
export function createPrinter(output: string | undefined, { noHeaders = false } = {}): Printer | undefined {
  if (output === undefined || output === '' || output === 'wide') return undefined
  const [format = '', ...rest] = output.split('=')
  const argument = rest.join('=')
  switch (format) {
    case 'json':
      return printJson
    case 'yaml':
      return printYaml
    case 'name':
      return printName
    case 'jsonpath':
      return createJsonPathPrinter(argument)
    case 'jsonpath-as-json':
      return createJsonPathPrinter(argument, { asJson: true })
    case 'jsonpath-file':
      return createJsonPathPrinter(readTemplate(argument))
    case 'custom-columns':
      return createCustomColumnsPrinter(argument, noHeaders)
    default:
      throw new CliError(
        `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: ${FORMATS.join(',')}`,
      )
  }
}

function readTemplate(file: string): string {
  if (file === '') throw new CliError('template format specified but no template given')
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`error reading --template ${file}, ${messageOf(error)}\n`)
  }
}

/** The items of a list, or the object itself. */
export const itemsOf = (object: JsonObject): JsonObject[] =>
  Array.isArray(object['items']) && String(object['kind']).endsWith('List') ? (object['items'] as JsonObject[]) : [object]

/** managedFields are for machines: shown only when asked for. */
export function withoutManagedFields(object: JsonObject): JsonObject {
  const items = object['items']
  if (Array.isArray(items)) return { ...object, items: items.map((item) => withoutManagedFields(item as JsonObject)) }
  const metadata = object['metadata']
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return object
  const { managedFields: _, ...kept } = metadata
  return { ...object, metadata: kept as Json }
}
