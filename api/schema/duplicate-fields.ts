/** Finds members that stand twice in one JSON object, which JSON.parse silently merges and strict validation refuses. */

/** `duplicate field "spec.replicas"` for each. `text` has been parsed already: it is valid JSON. */
export function findDuplicateFields(text: string): string[] {
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

function endOfString(text: string, start: number): number {
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
