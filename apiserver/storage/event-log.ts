/** The window of one resource's latest events, so that a watch can go on from an older revision. */
import type { StoreEvent } from './store.ts'

export class EventLog {
  private events: (StoreEvent | undefined)[] = []
  private head = 0
  /** Bytes of the versions held. */
  bytes = 0
  /** Events up to this revision may be gone; all later ones are here. */
  floor: number

  constructor(floor: number) {
    this.floor = floor
  }

  get length(): number {
    return this.events.length - this.head
  }

  push(event: StoreEvent): void {
    this.events.push(event)
    this.bytes += event.entry.bytes.length
  }

  /** Drops the oldest events, all of one revision together: a revision that is half gone cannot be resumed from. */
  dropOldest(count: number): void {
    for (let dropped = 0; dropped < count || this.events[this.head]?.revision === this.floor; dropped++) {
      const event = this.events[this.head]
      if (!event) break
      this.events[this.head++] = undefined
      this.bytes -= event.entry.bytes.length
      this.floor = event.revision
    }
    if (this.head > 1024 && this.head * 2 > this.events.length) {
      this.events = this.events.slice(this.head)
      this.head = 0
    }
  }

  clear(floor: number): void {
    this.events = []
    this.head = 0
    this.bytes = 0
    this.floor = floor
  }

  /** A copy: the window may move on while it is read. */
  after(revision: number): StoreEvent[] {
    let low = this.head
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.events[middle]!.revision > revision) high = middle
      else low = middle + 1
    }
    return this.events.slice(low) as StoreEvent[]
  }
}
