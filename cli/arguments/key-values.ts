/** `--from-literal`, `--from-file` and `--from-env-file`: the content of config maps and secrets. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { isUtf8 } from 'node:buffer'
import { isConfigMapKey } from '../../api/names.ts'
import { CliError } from '../errors.ts'

export interface Sources {
  fromLiteral?: string[]
  fromFile?: string[]
  fromEnvFile?: string[]
}

export interface KeyValues {
  text: Record<string, string>
  /** Base64 of what is not UTF-8. */
  binary: Record<string, string>
}

export async function readKeyValues({ fromLiteral = [], fromFile = [], fromEnvFile = [] }: Sources): Promise<KeyValues> {
  const result: KeyValues = { text: {}, binary: {} }
  const add = (key: string, value: Buffer) => {
    const complaints = isConfigMapKey(key)
    if (complaints.length > 0) throw new CliError(`${JSON.stringify(key)} is not a valid key name: ${complaints.join(';')}`)
    if (key in result.text || key in result.binary) {
      throw new CliError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists`)
    }
    if (isUtf8(value)) result.text[key] = value.toString('utf8')
    else result.binary[key] = value.toString('base64')
  }
  for (const literal of fromLiteral) {
    const equals = literal.indexOf('=')
    if (equals <= 0) throw new CliError(`invalid literal source ${literal}, expected key=value`)
    add(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1)))
  }
  for (const source of fromFile) for (const [key, file] of await filesOf(source)) add(key, await readFile(file))
  for (const file of fromEnvFile)
    for (const [key, value] of parseEnvFile(await readFile(file, 'utf8'))) add(key, Buffer.from(value))
  return result
}

/** `key=path`, a file by its own name, or every file of a folder by theirs. */
async function filesOf(source: string): Promise<[string, string][]> {
  const equals = source.indexOf('=')
  const file = source.slice(equals + 1)
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new CliError(`error reading ${file}: no such file or directory`)
  if (equals > 0) return [[source.slice(0, equals), file]]
  if (!found.isDirectory()) return [[path.basename(file), file]]
  const entries = await readdir(file, { withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => [entry.name, path.join(file, entry.name)])
}

/** Lines of key=value; a key alone takes its value from our own environment. */
export function parseEnvFile(text: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((raw): [string, string][] => {
    const line = raw.trimStart()
    if (line === '' || line.startsWith('#')) return []
    const equals = line.indexOf('=')
    return equals < 0 ? [[line, process.env[line] ?? '']] : [[line.slice(0, equals), line.slice(equals + 1)]]
  })
}
