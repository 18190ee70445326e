/**
 * The joined bytes of the last whole lists, kept while nothing in them changes: many clients list the same thing at the same
 * time (after a restart, all of them), and megabytes need not be put together again for each.
 */
import type { Entry } from '../storage/store.ts'

export interface ListBodies {
  /** The entries as JSON between brackets, with the object's closing brace and the line's end: `…]}\n`. `what` names the collection. */
  join(what: string, entries: readonly Entry[]): Buffer
}

interface Kept {
  entries: readonly Entry[]
  body: Buffer
}

/** Less is joined faster than it is looked for. */
const WORTH_KEEPING = 64 * 1024

const comma = Buffer.from(',')
const tail = Buffer.from(']}\n')

export function createListBodies(maxBytes = 32 * 1024 * 1024, forgetAfterMs = 30_000): ListBodies {
  const kept = new Map<string, Kept>()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  const forget = (what: string) => {
    const old = kept.get(what)
    if (!old) return
    kept.delete(what)
    bytes -= old.body.length
  }
  const keep = (what: string, value: Kept) => {
    forget(what)
    if (value.body.length > maxBytes) return
    for (const oldest of kept.keys()) {
      if (bytes + value.body.length <= maxBytes) break
      forget(oldest)
    }
    kept.set(what, value)
    bytes += value.body.length
    // What nobody asks for again is only in the way of other memory.
    timer ??= setTimeout(() => {
      timer = undefined
      for (const each of kept.keys()) forget(each)
    }, forgetAfterMs).unref()
  }
  return {
    join(what, entries) {
      const known = kept.get(what)
      if (known && sameEntries(known.entries, entries)) return known.body
      const body = joinBytes(entries)
      if (body.length >= WORTH_KEEPING) keep(what, { entries, body })
      return body
    },
  }
}

/** Entries are immutable: the same versions are the same values. */
function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

export function joinBytes(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  for (const [index, { bytes }] of entries.entries()) {
    if (index > 0) parts.push(comma)
    parts.push(bytes)
  }
  parts.push(tail)
  return Buffer.concat(parts)
}
