/** `/openapi/v2` of other API servers, in the document that says what this one serves. Pure. */
import { deepEqual, isJsonObject, type Json, type JsonObject } from '../../api/json.ts'

/** What an APIService's server says, of which only the paths of that group version count. */
export interface RemoteDocument {
  group: string
  version: string
  document: JsonObject
}

const REF = '#/definitions/'
const memberOf = (document: JsonObject, name: string): JsonObject => {
  const member = Object.hasOwn(document, name) ? document[name] : undefined
  return isJsonObject(member) ? member : {}
}

/**
 * As upstream: first come, first served. A path that is there stays as it is; a definition of the same name and another
 * content comes under a new name, `_v2` and so on, and what refers to it with it.
 */
export function mergeOpenApiV2(own: JsonObject, remotes: readonly RemoteDocument[]): JsonObject {
  if (remotes.length === 0) return own
  const paths: JsonObject = { ...memberOf(own, 'paths') }
  const definitions: JsonObject = { ...memberOf(own, 'definitions') }
  for (const { group, version, document } of remotes) {
    const prefix = `/apis/${group}/${version}`
    const isTheirs = (path: string) => path === `${prefix}/` || path === prefix || path.startsWith(`${prefix}/`)
    const added = Object.entries(memberOf(document, 'paths')).filter(([path]) => isTheirs(path) && !Object.hasOwn(paths, path))
    const theirs = memberOf(document, 'definitions')
    const needed = reachable(
      added.map(([, value]) => value),
      theirs,
    )
    const names = new Map([...needed].map((name) => [name, freeName(name, theirs[name]!, definitions)]))
    for (const name of needed) definitions[names.get(name)!] = renamed(theirs[name]!, names)
    for (const [path, value] of added) paths[path] = renamed(value, names)
  }
  return { ...own, paths, definitions }
}

/** The names of all definitions that these values lead to. */
function reachable(values: readonly Json[], definitions: JsonObject): Set<string> {
  const found = new Set<string>()
  const look = (value: Json) => {
    if (Array.isArray(value)) return value.forEach(look)
    if (!isJsonObject(value)) return
    for (const [key, member] of Object.entries(value)) {
      const name = key === '$ref' && typeof member === 'string' && member.startsWith(REF) ? member.slice(REF.length) : undefined
      if (name === undefined) look(member)
      else if (!found.has(name) && Object.hasOwn(definitions, name)) {
        found.add(name)
        look(definitions[name]!)
      }
    }
  }
  values.forEach(look)
  return found
}

function freeName(name: string, definition: Json, taken: JsonObject): string {
  const isFree = (candidate: string) => !Object.hasOwn(taken, candidate) || deepEqual(taken[candidate], definition)
  let candidate = name
  for (let number = 2; !isFree(candidate); number++) candidate = `${name}_v${number}`
  return candidate
}

function renamed(value: Json, names: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = key === '$ref' && typeof member === 'string' ? names.get(member.slice(REF.length)) : undefined
      return [key, name === undefined ? renamed(member, names) : REF + name]
    }),
  )
}
