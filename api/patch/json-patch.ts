/** RFC 6902, strictly: every path must exist where the standard says so, and a test that fails refuses the whole patch. */
import { deepCopy, deepEqual, isJsonObject, jsonType, type Json, putMember } from '../json.ts'
import { badRequest, requestEntityTooLarge, unprocessable } from '../status.ts'

interface Operation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  path: string[]
  from: string[]
  value: Json
}

const MAXIMUM_OPERATIONS = 10_000
/** Upstream's: a copy of what holds the copy doubles with each operation, and few of them fill any memory. */
const MAXIMUM_COPIED = 3 * 1024 * 1024
const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

/**
 * A new document; parts that did not change are shared with the old one, which is left as it is.
 * Throws an ApiError: 400 for what is no patch, 422 for one that does not apply here.
 */
export function applyJsonPatch(document: unknown, patch: unknown): Json {
  const operations = parse(patch)
  const draft = new Draft(document as Json)
  try {
    for (const operation of operations) draft.apply(operation)
    return draft.document
  } catch (error) {
    // Upstream's client sees no more than that the patch did not apply; the reason is in the server's log.
    if (error instanceof DoesNotApply) throw unprocessable(error)
    throw error
  }
}

class DoesNotApply extends Error {}

function parse(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${jsonType(patch)} into Go value of type []handlers.jsonPatchOp`,
    )
  }
  if (patch.length > MAXIMUM_OPERATIONS) {
    throw requestEntityTooLarge(`The allowed maximum operations in a JSON patch is ${MAXIMUM_OPERATIONS}, got ${patch.length}`)
  }
  return patch.map((entry: unknown) => {
    if (!isJsonObject(entry)) throw badRequest('json: cannot unmarshal array element into Go value of type jsonpatch.Operation')
    // No value is null, to upstream: Go's clients leave an empty one out.
    const { op, path, from, value = null } = entry
    if (typeof op !== 'string' || !OPERATIONS.has(op))
      throw unprocessable(new DoesNotApply(`Unexpected kind: ${String(op ?? 'unknown')}`))
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

type Container = Json[] | { [key: string]: Json }

/** The document as it changes. A container is copied when it is first written to, and is then this draft's own. */
class Draft {
  document: Json
  readonly #own = new WeakSet<Container>()
  #copied = 0

  constructor(document: Json) {
    this.document = document
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case 'add':
        return this.#add(path, deepCopy(value))
      case 'remove':
        return this.#remove(path)
      case 'replace':
        find(this.document, path, op)
        return this.#write(path, op, (parent, key) => assign(parent, key, deepCopy(value)), deepCopy(value))
      case 'copy':
        return this.#add(path, this.#copy(find(this.document, from, op)))
      case 'move': {
        const moved = find(this.document, from, op)
        if (path.length > from.length && from.every((token, index) => token === path[index])) {
          throw new DoesNotApply(`move operation does not apply: cannot move ${printPointer(from)} into itself`)
        }
        this.#remove(from)
        return this.#add(path, moved)
      }
      case 'test':
        if (!deepEqual(find(this.document, path, op), value)) {
          throw new DoesNotApply(`testing value ${printPointer(path)} failed: test failed`)
        }
    }
  }

  #copy(value: Json): Json {
    this.#copied += JSON.stringify(value).length
    if (this.#copied > MAXIMUM_COPIED) {
      const limit = `exceeding the limit ${MAXIMUM_COPIED}`
      throw new DoesNotApply(`Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, ${limit}`)
    }
    return deepCopy(value)
  }

  #add(path: string[], value: Json): void {
    const insert = (parent: Container, key: string) => {
      if (Array.isArray(parent)) parent.splice(indexOf(parent, key, 'add', true), 0, value)
      else assign(parent, key, value)
    }
    this.#write(path, 'add', insert, value)
  }

  #remove(path: string[]): void {
    find(this.document, path, 'remove')
    const take = (parent: Container, key: string) => {
      if (Array.isArray(parent)) parent.splice(indexOf(parent, key, 'remove'), 1)
      else delete parent[key]
    }
    this.#write(path, 'remove', take, null)
  }

  /** Lets `change` write to the parent of `path`; the empty path is the whole document, which `whole` takes the place of. */
  #write(path: string[], op: string, change: (parent: Container, key: string) => void, whole: Json): void {
    if (path.length === 0) {
      this.document = whole
      return
    }
    let parent = this.#owned(this.document, path, op)
    this.document = parent
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const next = this.#owned(child(parent, key, op), path.slice(depth + 1), op)
      assign(parent, key, next)
      parent = next
    }
    change(parent, path.at(-1)!)
  }

  #owned(node: Json, path: readonly string[], op: string): Container {
    if (!Array.isArray(node) && !isJsonObject(node)) throw missing(op, path)
    if (this.#own.has(node)) return node
    const copy = Array.isArray(node) ? [...node] : { ...node }
    this.#own.add(copy)
    return copy
  }
}

function assign(parent: Container, key: string, value: Json): void {
  if (Array.isArray(parent)) parent[indexOf(parent, key, 'replace')] = value
  else putMember(parent, key, value)
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
