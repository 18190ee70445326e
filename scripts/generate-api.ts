/**
 * Writes `api/generated/`: TypeScript types and field schemas of Kubernetes v1.36, read from `@kubernetes/client-node`.
 *
 * The published client is the only npm package that carries the current API: field names, types and formats are in each
 * model's `attributeTypeMap`; required-ness and descriptions only in its declaration file. The result is built, never
 * committed, because its texts are upstream's.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FieldSchema, ModelSchema } from '../api/schema/models.ts'

interface Attribute {
  name: string
  baseName: string
  type: string
  format: string
}

const root = path.resolve(import.meta.dirname, '..')
const clientNode = path.dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node'))
const modelFolder = path.join(clientNode, 'gen/models')
const outputFolder = path.join(root, 'api/generated')

/** `V1PodSpec` is `PodSpec`, `CoreV1Event` is `CoreEvent`; other versions keep their prefix (`V2HorizontalPodAutoscaler`). */
function typeName(model: string): string {
  return model.replace(/^([A-Z][a-z]+)?V1(?=[A-Z])/, '$1')
}

function toFieldSchema(type: string, format: string): FieldSchema {
  const array = /^Array<(.*)>$/.exec(type)
  if (array?.[1]) return { type: 'array', items: toFieldSchema(array[1], format) }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map?.[1]) return { type: 'object', values: toFieldSchema(map[1], format) }
  switch (type) {
    case 'string':
      return format ? { type: 'string', format } : { type: 'string' }
    case 'number':
      return { type: format.startsWith('int') ? 'integer' : 'number', ...(format && { format }) }
    case 'boolean':
      return { type: 'boolean' }
    case 'Date':
    case 'V1MicroTime':
      return { type: 'string', format: format === 'date-time-micro' ? 'date-time-micro' : 'date-time' }
    case 'IntOrString':
      return { type: 'int-or-string' }
    case 'any':
      return { type: 'any' }
    default:
      return { type: 'ref', ref: typeName(type) }
  }
}

function toTypeScript(field: FieldSchema): string {
  switch (field.type) {
    case 'array':
      return `${parenthesize(toTypeScript(field.items!))}[]`
    case 'object':
      return `Record<string, ${field.values ? toTypeScript(field.values) : 'unknown'}>`
    case 'integer':
      return 'number'
    case 'int-or-string':
      return 'number | string'
    case 'any':
      return 'unknown'
    case 'ref':
      return field.ref!
    default:
      return field.type
  }
}

const parenthesize = (type: string) => (type.includes('|') ? `(${type})` : type)

const unescapeText = (comment: string) =>
  comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/\\(["'])/g, '$1')
    .trim()

/** Descriptions and required-ness stand only in the declaration file. */
function readDeclaration(text: string) {
  const description = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(text)?.[1]
  const fields = new Map<string, { required: boolean; description?: string }>()
  const body = text.slice(text.indexOf('export declare class'))
  for (const match of body.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {4}'([^']+)'(\??):/gm)) {
    fields.set(match[2]!, {
      required: match[3] === '',
      ...(match[1] && { description: unescapeText(match[1]) }),
    })
  }
  return { description: description && unescapeText(description), fields }
}

/** Kinds are read far more often than written: what every stored object has is not optional. */
const ALWAYS_PRESENT: Record<string, string[]> = { ObjectMeta: ['name', 'uid'] }

function isKind(model: ModelSchema) {
  return 'apiVersion' in model.fields && 'kind' in model.fields && 'metadata' in model.fields
}

function interfaceOf(name: string, model: ModelSchema): string {
  const kind = isKind(model)
  const lines = Object.entries(model.fields).map(([field, schema]) => {
    const required =
      model.required.includes(field) ||
      ALWAYS_PRESENT[name]?.includes(field) ||
      (kind && ['apiVersion', 'kind', 'metadata', 'spec'].includes(field))
    const type = toTypeScript(schema)
    return `  ${/^[\w$]+$/.test(field) ? field : `'${field}'`}${required ? '' : '?'}: ${type}${required ? '' : ' | undefined'}`
  })
  return `export interface ${name} {\n${lines.join('\n')}\n}\n`
}

async function main() {
  const models: Record<string, ModelSchema> = {}
  const files = (await readdir(modelFolder)).filter(
    (f) => f.endsWith('.d.ts') && f !== 'all.d.ts' && !f.startsWith('ObjectSerializer'),
  )
  for (const file of files.toSorted()) {
    const className = file.replace('.d.ts', '')
    if (className === 'V1MicroTime' || className === 'IntOrString') continue
    const module_ = (await import(pathToFileURL(path.join(modelFolder, `${className}.js`)).href)) as Record<
      string,
      { attributeTypeMap?: Attribute[] }
    >
    const attributes = module_[className]?.attributeTypeMap
    if (!attributes) throw new Error(`Cannot read ${file}: it has no attributeTypeMap`)
    const declaration = readDeclaration(await readFile(path.join(modelFolder, file), 'utf8'))
    const model: ModelSchema = { required: [], fields: {} }
    if (declaration.description) model.description = declaration.description
    for (const attribute of attributes) {
      const declared = declaration.fields.get(attribute.name)
      if (!declared) throw new Error(`Cannot read ${file}: ${attribute.name} is not declared`)
      model.fields[attribute.baseName] = {
        ...toFieldSchema(attribute.type, attribute.format),
        ...(declared.description && { description: declared.description }),
      }
      if (declared.required) model.required.push(attribute.baseName)
    }
    models[typeName(className)] = model
  }

  await mkdir(outputFolder, { recursive: true })
  const header = '// Generated by scripts/generate-api.ts from @kubernetes/client-node. Do not edit; not committed.\n\n'
  const interfaces = Object.entries(models).map(([name, model]) => interfaceOf(name, model))
  await writeFile(path.join(outputFolder, 'types.ts'), header + interfaces.join('\n'))
  await writeFile(path.join(outputFolder, 'schemas.json'), JSON.stringify(models))
  console.log(`api/generated: ${Object.keys(models).length} models`)
}

await main()
