/** Renders one field of an OpenAPI v3 document as `explain` shows it. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import type { ResourceType } from '../arguments/resource-types.ts'

type Schemas = Record<string, JsonObject>

export function explainField(document: JsonObject, type: ResourceType, path: readonly string[], recursive: boolean): string {
  const schemas = (document['components'] as { schemas: Schemas }).schemas
  const root = Object.values(schemas).find((schema) => isKind(schema, type))
  if (!root) throw new CliError(`GVR (${type.group}, ${type.version}, ${type.plural}) not found in OpenAPI schema`)
  let schema = root
  let field: JsonObject | undefined
  for (const name of path) {
    field = propertiesOf(schema, schemas)[name]
    if (!field) throw new CliError(`field ${JSON.stringify(name)} does not exist`)
    schema = innermost(field, schemas)
  }
  const head = [
    ...(type.group ? [`GROUP:      ${type.group}`] : []),
    `KIND:       ${type.kind}`,
    `VERSION:    ${type.version}`,
    '',
  ]
  const title = field ? [`FIELD: ${path.at(-1)} <${typeName(field, schemas)}>`, '', ''] : []
  const texts = [field?.['description'], schema === field ? undefined : schema['description']].filter(
    (text) => typeof text === 'string' && text !== '',
  )
  const description = ['DESCRIPTION:', ...(texts.length > 0 ? texts : ['<empty>']).map((text) => wrap(text as string, 4)), '    ']
  const fields = recursive ? fieldTree(schema, schemas, 1, new Set()) : fieldList(schema, schemas)
  return [...head, ...title, ...description, ...(fields.length > 0 ? ['FIELDS:', ...fields] : []), ''].join('\n')
}

function isKind(schema: JsonObject, { group, version, kind }: ResourceType): boolean {
  const gvks = schema['x-kubernetes-group-version-kind']
  return (
    Array.isArray(gvks) &&
    (gvks as JsonObject[]).some((gvk) => gvk['group'] === group && gvk['version'] === version && gvk['kind'] === kind)
  )
}

function resolve(schema: JsonObject, schemas: Schemas): JsonObject {
  const { allOf, $ref } = schema
  const ref = $ref ?? (Array.isArray(allOf) ? (allOf[0] as JsonObject)['$ref'] : undefined)
  return typeof ref === 'string' ? (schemas[refName(ref)] ?? schema) : schema
}

const refName = (ref: string) => ref.slice(ref.lastIndexOf('/') + 1)

/** Through lists, maps and references, to what has the fields. */
function innermost(schema: JsonObject, schemas: Schemas): JsonObject {
  const resolved = resolve(schema, schemas)
  const inner = resolved['items'] ?? resolved['additionalProperties']
  return isJsonObject(inner) ? innermost(inner, schemas) : resolved
}

const propertiesOf = (schema: JsonObject, schemas: Schemas): Schemas => {
  const { properties } = innermost(schema, schemas)
  return isJsonObject(properties) ? (properties as Schemas) : {}
}

function typeName(schema: JsonObject, schemas: Schemas): string {
  if (isJsonObject(schema['items'])) return `[]${typeName(schema['items'], schemas)}`
  if (isJsonObject(schema['additionalProperties'])) return `map[string]${typeName(schema['additionalProperties'], schemas)}`
  const { allOf, $ref, type } = schema
  const ref = $ref ?? (Array.isArray(allOf) ? (allOf[0] as JsonObject)['$ref'] : undefined)
  if (typeof ref === 'string') {
    const { type: plain } = schemas[refName(ref)] ?? {}
    return typeof plain === 'string' && plain !== 'object' ? plain : refName(ref).split('.').at(-1)!
  }
  return type === 'object' ? 'Object' : String(type ?? 'Object')
}

const requiredMark = (schema: JsonObject, name: string, schemas: Schemas) => {
  const { required } = innermost(schema, schemas)
  return Array.isArray(required) && required.includes(name) ? ' -required-' : ''
}

function fieldList(schema: JsonObject, schemas: Schemas): string[] {
  return Object.entries(propertiesOf(schema, schemas)).flatMap(([name, field]) => {
    const { description } = field
    const text = typeof description === 'string' && description !== '' ? description : '<no description>'
    return [`  ${name}\t<${typeName(field, schemas)}>${requiredMark(schema, name, schemas)}`, wrap(text, 4), '']
  })
}

function fieldTree(schema: JsonObject, schemas: Schemas, depth: number, above: ReadonlySet<JsonObject>): string[] {
  return Object.entries(propertiesOf(schema, schemas)).flatMap(([name, field]) => {
    const line = `${'  '.repeat(depth)}${name}\t<${typeName(field, schemas)}>${requiredMark(schema, name, schemas)}`
    const inner = innermost(field, schemas)
    // Schemas that hold themselves end here.
    return above.has(inner) ? [line] : [line, ...fieldTree(field, schemas, depth + 1, new Set([...above, inner]))]
  })
}

function wrap(text: string, indent: number, width = 80): string {
  const prefix = ' '.repeat(indent)
  return text
    .split('\n')
    .flatMap((paragraph) => {
      const lines: string[] = []
      let line = ''
      for (const word of paragraph.split(' ')) {
        if (line !== '' && prefix.length + line.length + 1 + word.length > width) {
          lines.push(line)
          line = word
        } else {
          line = line === '' ? word : `${line} ${word}`
        }
      }
      return [...lines, line]
    })
    .map((line) => prefix + line)
    .join('\n')
}
