/** A set of places for entries in the order of their keys, sorted only when someone lists and only what is new. */
import type { StoredEntry } from './entry.ts'

/** The place of one key: every bucket that the entry is in holds the same slot, so that a new version is one assignment. */
export interface Slot {
  readonly key: string
  entry: StoredEntry
}

const byKey = (a: Slot, b: Slot): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

export class SortedSlots {
  private readonly members = new Set<Slot>()
  private sorted: Slot[] = []
  private added: Slot[] = []
  private removed = 0

  get size(): number {
    return this.members.size
  }

  add(slot: Slot): void {
    this.members.add(slot)
    this.added.push(slot)
  }

  remove(slot: Slot): void {
    if (!this.members.delete(slot)) return
    this.removed++
    // Nobody may ever list a bucket whose members come and go.
    if (this.removed > this.members.size + 1000) this.settle()
  }

  /** Belongs to the bucket: read it at once. */
  inOrder(): readonly Slot[] {
    if (this.added.length > 0 || this.removed > 0) this.settle()
    return this.sorted
  }

  private settle(): void {
    const added = this.added.filter((slot) => this.members.has(slot)).sort(byKey)
    const kept = this.removed > 0 ? this.sorted.filter((slot) => this.members.has(slot)) : this.sorted
    this.sorted = added.length > 0 ? merge(kept, added) : kept
    this.added = []
    this.removed = 0
  }
}

/** Slots that left and came back are in both: kept once. */
function merge(left: readonly Slot[], right: readonly Slot[]): Slot[] {
  const out: Slot[] = []
  let l = 0
  let r = 0
  for (;;) {
    const a = left[l]
    const b = right[r]
    if (!a && !b) return out
    const next = !b || (a && a.key <= b.key) ? a! : b
    if (next === a) l++
    else r++
    if (out.at(-1) !== next) out.push(next)
  }
}
