/** Changes of a kubeconfig as `kubectl config` makes them. Pure: each answers a new configuration. */
import { isJsonObject, type Json, type JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'

export type EntryKind = 'cluster' | 'context' | 'user'

interface Named extends JsonObject {
  name: string
}

/** As it stands in the file: members that we do not know stay. */
export interface RawKubeconfig extends JsonObject {
  'current-context': string
}

export const entriesOf = (config: RawKubeconfig, kind: EntryKind): Named[] => (config[`${kind}s`] ?? []) as Named[]

export const findEntry = (config: RawKubeconfig, kind: EntryKind, name: string): JsonObject | undefined =>
  entriesOf(config, kind).find((entry) => entry.name === name)?.[kind] as JsonObject | undefined

export const withCurrentContext = (config: RawKubeconfig, name: string): RawKubeconfig => ({ ...config, 'current-context': name })

/** Merged into the entry of this name, or a new one. */
export function withEntry(config: RawKubeconfig, kind: EntryKind, name: string, fields: JsonObject): RawKubeconfig {
  const others = entriesOf(config, kind).filter((entry) => entry.name !== name)
  return { ...config, [`${kind}s`]: sorted([...others, { name, [kind]: { ...findEntry(config, kind, name), ...fields } }]) }
}

export const withoutEntry = (config: RawKubeconfig, kind: EntryKind, name: string): RawKubeconfig => ({
  ...config,
  [`${kind}s`]: entriesOf(config, kind).filter((entry) => entry.name !== name),
})

const sorted = (entries: Named[]) => entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))

export function withRenamedContext(config: RawKubeconfig, from: string, to: string, file: string): RawKubeconfig {
  const context = findEntry(config, 'context', from)
  if (!context) throw new CliError(`cannot rename the context ${JSON.stringify(from)}, it's not in ${file}`)
  if (findEntry(config, 'context', to))
    throw new CliError(
      `cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${file}`,
    )
  const renamed = withEntry(withoutEntry(config, 'context', from), 'context', to, context)
  return config['current-context'] === from ? withCurrentContext(renamed, to) : renamed
}

const KINDS: Record<string, EntryKind> = { clusters: 'cluster', contexts: 'context', users: 'user' }

/** `current-context`, `contexts.web.namespace`, `users.jane`; names may hold dots. Undefined takes the property away. */
export function withProperty(config: RawKubeconfig, path: string, value: string | undefined): RawKubeconfig {
  if (path === 'current-context') return withCurrentContext(config, value ?? '')
  const [list = '', ...rest] = path.split('.')
  const kind = KINDS[list]
  if (!kind || rest.length === 0)
    throw new CliError(
      `Cannot change ${JSON.stringify(path)}: say current-context, or clusters, contexts or users with a name and a property`,
    )
  const whole = rest.join('.')
  if (value === undefined && findEntry(config, kind, whole)) return withoutEntry(config, kind, whole)
  const [name, field] = [rest.slice(0, -1).join('.'), rest.at(-1)!]
  if (name === '') throw new CliError(`Cannot change ${JSON.stringify(path)}: it names no property`)
  if (value !== undefined)
    return withEntry(config, kind, name, { [field]: value === 'true' || value === 'false' ? value === 'true' : value })
  const { [field]: _, ...kept } = findEntry(config, kind, name) ?? {}
  return withEntry(withoutEntry(config, kind, name), kind, name, kept)
}

const OMITTED = new Set(['certificate-authority-data', 'client-certificate-data', 'client-key-data'])
const REDACTED = new Set(['token', 'password'])

/** What may be shown over a shoulder. */
export function redact(value: Json): Json {
  if (Array.isArray(value)) return value.map(redact)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      OMITTED.has(key) ? 'DATA+OMITTED' : REDACTED.has(key) && typeof inner === 'string' ? 'REDACTED' : redact(inner),
    ]),
  )
}

/** Only what the current context uses. */
export function minify(config: RawKubeconfig): RawKubeconfig {
  const name = config['current-context']
  if (!name) throw new CliError('current-context must exist in order to minify')
  const context = findEntry(config, 'context', name)
  if (!context) throw new CliError(`cannot locate context ${name}`)
  const only = (kind: EntryKind, wanted: Json | undefined) => entriesOf(config, kind).filter((entry) => entry.name === wanted)
  return {
    ...config,
    clusters: only('cluster', context['cluster']),
    contexts: only('context', name),
    users: only('user', context['user']),
  }
}
