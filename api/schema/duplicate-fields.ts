/** Finds members that stand twice in one JSON object, which JSON.parse silently merges and strict validation refuses. */

/** `duplicate field "spec.replicas"` for each. `value` is what JSON.parse made of `text`, as it came. */
export function findDuplicateFields(text: string, value: unknown): string[] {
  // A member that stands twice is lost in the value: most texts are done with by counting, which allocates nothing.
  return membersOfText(text) === membersOf(value) ? [] : listDuplicates(text)
}

function membersOfText(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === COLON) count++
  }
  return count
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) for (const item of value) count += membersOf(item)
  else for (const name in value) count += 1 + membersOf((value as Record<string, unknown>)[name])
  return count
}

function listDuplicates(text: string): string[] {
  const complaints: string[] = []
  const frames: Frame[] = []
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    const frame = frames[frames.length - 1]
    switch (code) {
      case QUOTE: {
        const end = endOfString(text, at)
        if (frame?.seen && frame.expectsKey) {
          // Keys are compared as written: escapes in them are rare, and then only a complaint is missed.
          const name = text.slice(at + 1, end)
          frame.name = name
          frame.expectsKey = false
          if (frame.seen.has(name)) complaints.push(`duplicate field ${JSON.stringify(pathOf(frames))}`)
          else frame.seen.add(name)
        }
        at = end
        break
      }
      case OPEN_OBJECT:
        frames.push({ seen: new Set(), expectsKey: true, name: '', index: 0 })
        break
      case OPEN_ARRAY:
        frames.push({ seen: undefined, expectsKey: false, name: '', index: 0 })
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        frames.pop()
        break
      case COMMA:
        if (frame?.seen) frame.expectsKey = true
        else if (frame) frame.index++
        break
    }
    at++
  }
  return complaints
}

interface Frame {
  /** Undefined for arrays. */
  seen: Set<string> | undefined
  expectsKey: boolean
  name: string
  index: number
}

const QUOTE = 34
const BACKSLASH = 92
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const OPEN_ARRAY = 91
const CLOSE_ARRAY = 93
const COMMA = 44
const COLON = 58

/** Where the string that begins at `start` has its closing quote; the end of a text that has none. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

function pathOf(frames: readonly Frame[]): string {
  let path = ''
  for (const { seen, name, index } of frames) path += seen ? (path && '.') + name : `[${index}]`
  return path
}
