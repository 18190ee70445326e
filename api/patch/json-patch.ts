/** RFC 6902, strictly: every path must exist where the standard says so, and a test that fails refuses the whole patch. */
import { deepCopy, deepEqual, isJsonObject, type Json } from '../json.ts'
import { badRequest, requestEntityTooLarge, unprocessable } from '../status.ts'

interface Operation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  path: string[]
  from: string[]
  value: Json
}

const MAXIMUM_OPERATIONS = 10_000
const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

/**
 * A new document; parts that did not change are shared with the old one, which is left as it is.
 * Throws an ApiError: 400 for what is no patch, 422 for one that does not apply here.
 */
export function applyJsonPatch(document: unknown, patch: unknown): Json {
  const operations = parse(patch)
  try {
    return operations.reduce<Json>(applyOperation, document as Json)
  } catch (error) {
    // Upstream's client sees no more than that the patch did not apply; the reason is in the server's log.
    if (error instanceof DoesNotApply) throw unprocessable(error)
    throw error
  }
}

class DoesNotApply extends Error {}

function parse(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest(`json: cannot unmarshal ${patch === null ? 'null' : typeof patch} into Go value of type jsonpatch.Patch`)
  }
  if (patch.length > MAXIMUM_OPERATIONS) {
    throw requestEntityTooLarge(`The allowed maximum operations in a JSON patch is ${MAXIMUM_OPERATIONS}, got ${patch.length}`)
  }
  return patch.map((entry: unknown) => {
    if (!isJsonObject(entry)) throw badRequest('json: cannot unmarshal array element into Go value of type jsonpatch.Operation')
    // No value is null, to upstream: Go's clients leave an empty one out.
    const { op, path, from, value = null } = entry
    if (typeof op !== 'string' || !OPERATIONS.has(op)) throw badRequest(`Unexpected kind: ${String(op ?? 'unknown')}`)
    return {
      op: op as Operation['op'],
      path: parsePointer(path, op),
      from: op === 'move' || op === 'copy' ? parsePointer(from, op) : [],
      value,
    }
  })
}

/** RFC 6901: `/a/b~1c` is `a`, `b/c`; the empty pointer is the whole document. */
function parsePointer(pointer: unknown, op: string): string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')) || /~(?![01])/.test(pointer)) {
    throw badRequest(`${op} operation has an invalid path: ${JSON.stringify(pointer)}`)
  }
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const printPointer = (path: readonly string[]) =>
  path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

function applyOperation(document: Json, { op, path, from, value }: Operation): Json {
  switch (op) {
    case 'add':
      return add(document, path, deepCopy(value))
    case 'remove':
      return remove(document, path)
    case 'replace':
      find(document, path, op)
      return path.length === 0
        ? deepCopy(value)
        : update(document, path, op, (parent, key) => assign(parent, key, deepCopy(value)))
    case 'copy':
      return add(document, path, deepCopy(find(document, from, op)))
    case 'move': {
      const moved = find(document, from, op)
      if (path.length > from.length && from.every((token, index) => token === path[index])) {
        throw new DoesNotApply(`move operation does not apply: cannot move ${printPointer(from)} into itself`)
      }
      return add(remove(document, from), path, moved)
    }
    case 'test':
      if (!deepEqual(find(document, path, op), value)) {
        throw new DoesNotApply(`testing value ${printPointer(path)} failed: test failed`)
      }
      return document
  }
}

type Container = Json[] | { [key: string]: Json }

const add = (document: Json, path: string[], value: Json): Json =>
  path.length === 0
    ? value
    : update(document, path, 'add', (parent, key) =>
        Array.isArray(parent) ? parent.toSpliced(indexOf(parent, key, 'add', true), 0, value) : assign(parent, key, value),
      )

function remove(document: Json, path: string[]): Json {
  find(document, path, 'remove')
  if (path.length === 0) return null
  return update(document, path, 'remove', (parent, key) => {
    if (Array.isArray(parent)) return parent.toSpliced(indexOf(parent, key, 'remove'), 1)
    const { [key]: _, ...rest } = parent
    return rest
  })
}

const assign = (parent: Container, key: string, value: Json): Container =>
  Array.isArray(parent) ? parent.with(indexOf(parent, key, 'replace'), value) : { ...parent, [key]: value }

/** Copies the containers on the way down to the parent of `path`, and lets `change` make the last of them. */
function update(node: Json, path: string[], op: string, change: (parent: Container, key: string) => Container): Json {
  const [key, ...rest] = path as [string, ...string[]]
  if (!Array.isArray(node) && !isJsonObject(node)) throw missing(op, path)
  return rest.length === 0 ? change(node, key) : assign(node, key, update(child(node, key, op), rest, op, change))
}

const find = (document: Json, path: readonly string[], op: string): Json =>
  path.reduce<Json>((node, key) => {
    if (!Array.isArray(node) && !isJsonObject(node)) throw missing(op, path)
    return child(node, key, op)
  }, document)

function child(node: Container, key: string, op: string): Json {
  if (Array.isArray(node)) return node[indexOf(node, key, op)]!
  if (!Object.hasOwn(node, key)) throw missing(op, [key])
  return node[key]!
}

const missing = (op: string, path: readonly string[]) =>
  new DoesNotApply(`${op} operation does not apply: doc is missing path: ${JSON.stringify(printPointer(path))}: missing value`)

/** An index without leading zeros; `-` and the length itself only where something is added. */
function indexOf(list: readonly Json[], key: string, op: string, adding = false): number {
  if (adding && key === '-') return list.length
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN
  if (!(index < list.length + (adding ? 1 : 0))) {
    throw new DoesNotApply(`${op} operation does not apply: Unable to access invalid index: ${key}: invalid index referenced`)
  }
  return index
}
