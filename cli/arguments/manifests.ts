/** Objects from files, folders and standard input, YAML or JSON, many in one. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parseAllDocuments, type Tags } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import type { ResourceType, ResourceTypes } from './resource-types.ts'

export interface ManifestObject {
  object: KubeJson
  type: ResourceType
  /** Where it was read from, for messages. */
  source: string
}

export interface KubeJson extends JsonObject {
  apiVersion: string
  kind: string
  metadata: JsonObject
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json'])

export interface ReadOptions {
  /** `-R`: folders within folders as well. */
  recursive?: boolean | undefined
  /** Given to namespaced objects that name none. */
  namespace: string
}

export async function readManifests(
  files: readonly string[],
  types: ResourceTypes,
  options: ReadOptions,
): Promise<ManifestObject[]> {
  const sources = (await Promise.all(files.map((file) => expand(file, options.recursive ?? false)))).flat()
  const objects: ManifestObject[] = []
  for (const source of sources) {
    const text = source === '-' ? await readStandardInput() : await readFile(source, 'utf8')
    for (const object of parseManifest(text, source === '-' ? 'STDIN' : source)) {
      objects.push(await resolve(object, source === '-' ? 'STDIN' : source, types, options.namespace))
    }
  }
  return objects
}

async function expand(file: string, recursive: boolean): Promise<string[]> {
  if (file === '-') return [file]
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new CliError(`the path ${JSON.stringify(file)} does not exist`)
  if (!found.isDirectory()) return [file]
  const entries = await readdir(file, { withFileTypes: true, recursive })
  return entries
    .filter((entry) => entry.isFile() && EXTENSIONS.has(path.extname(entry.name)))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Lists are taken apart; empty documents are none. */
export function parseManifest(text: string, source: string): KubeJson[] {
  // YAML 1.1 as Go reads it: `0644` is octal, `yes` is true; but dates and `1:30` stay strings.
  const documents = parseAllDocuments(text, {
    version: '1.1',
    merge: true,
    customTags: (tags) => tags.filter(isGoTag).map(asGoReads),
  })
  return documents.flatMap((document) => {
    const [problem] = document.errors
    if (problem)
      throw new CliError(
        `error parsing ${source}: error converting YAML to JSON: ${problem.message.split('\n')[0]!.replace(/:$/, '')}`,
      )
    const value = document.toJS({ maxAliasCount: 1000 }) as Json
    return value === null || value === undefined ? [] : flatten(value, source)
  })
}

const isGoTag = (tag: Tags[number]): boolean =>
  typeof tag === 'string' || (!tag.tag.endsWith(':timestamp') && (tag as { format?: string }).format !== 'TIME')

/** The YAML 1.1 pattern for exponents takes `e1` for a number; Go reads a string. */
const EXPONENT = /^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$/

const asGoReads = (tag: Tags[number]): Tags[number] =>
  typeof tag !== 'string' && (tag as { format?: string }).format === 'EXP' ? ({ ...tag, test: EXPONENT } as typeof tag) : tag

function flatten(value: Json, source: string): KubeJson[] {
  if (!isJsonObject(value)) throw new CliError(`error parsing ${source}: an object is wanted, not ${JSON.stringify(value)}`)
  const { kind, apiVersion, items } = value
  if (typeof kind !== 'string' || kind === '') throw invalidHeader(source, "Object 'Kind' is missing", value)
  if (typeof apiVersion !== 'string' || apiVersion === '') throw invalidHeader(source, "Object 'apiVersion' is missing", value)
  if (kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item) => flatten(item, source))
  return [{ ...value, apiVersion, kind, metadata: isJsonObject(value['metadata']) ? value['metadata'] : {} }]
}

const invalidHeader = (source: string, what: string, value: JsonObject) =>
  new CliError(`error validating ${JSON.stringify(source)}: ${what} in '${JSON.stringify(value)}'`)

async function resolve(object: KubeJson, source: string, types: ResourceTypes, namespace: string): Promise<ManifestObject> {
  const type = await types.ofKind(object.apiVersion, object.kind)
  const given = object.metadata['namespace']
  if (!type.namespaced || (typeof given === 'string' && given !== '')) return { object, type, source }
  return { object: { ...object, metadata: { ...object.metadata, namespace } }, type, source }
}

export const nameOf = ({ metadata }: KubeJson): string => String(metadata['name'] ?? '')
export const namespaceOf = ({ metadata }: KubeJson): string | undefined =>
  typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined
