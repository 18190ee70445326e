/** A binary heap whose entries are found, replaced and taken out by key. */

export interface Heap<T> {
  size(): number
  peek(): T | undefined
  pop(): T | undefined
  /** Puts the entry in, in place of the one with the same key. */
  push(entry: T): void
  delete(key: string): T | undefined
  get(key: string): T | undefined
  values(): Iterable<T>
}

export function createHeap<T>(keyOf: (entry: T) => string, compare: (a: T, b: T) => number): Heap<T> {
  const entries: T[] = []
  const positions = new Map<string, number>()

  const put = (entry: T, at: number) => {
    entries[at] = entry
    positions.set(keyOf(entry), at)
  }
  const up = (from: number) => {
    const entry = entries[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (compare(entry, entries[parent]!) >= 0) break
      put(entries[parent]!, at)
      at = parent
    }
    put(entry, at)
  }
  const down = (from: number) => {
    const entry = entries[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= entries.length) break
      if (child + 1 < entries.length && compare(entries[child + 1]!, entries[child]!) < 0) child++
      if (compare(entry, entries[child]!) <= 0) break
      put(entries[child]!, at)
      at = child
    }
    put(entry, at)
  }
  const removeAt = (at: number): T => {
    const removed = entries[at]!
    const last = entries.pop()!
    positions.delete(keyOf(removed))
    if (at < entries.length) {
      put(last, at)
      up(at)
      down(positions.get(keyOf(last))!)
    }
    return removed
  }

  return {
    size: () => entries.length,
    peek: () => entries[0],
    pop: () => (entries.length === 0 ? undefined : removeAt(0)),
    push(entry) {
      const known = positions.get(keyOf(entry))
      if (known !== undefined) removeAt(known)
      entries.push(entry)
      up(entries.length - 1)
    },
    delete(key) {
      const at = positions.get(key)
      return at === undefined ? undefined : removeAt(at)
    },
    get(key) {
      const at = positions.get(key)
      return at === undefined ? undefined : entries[at]
    },
    values: () => entries,
  }
}
