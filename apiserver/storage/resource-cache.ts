/** Every present object of one resource, with its indexes and its window of events. */
import { EventLog } from './event-log.ts'
import type { StoredEntry } from './entry.ts'
import { SortedSlots, type Slot } from './sorted-slots.ts'
import type { Entry, ListQuery, StoredResource } from './store.ts'

export class ResourceCache {
  readonly resource: StoredResource
  readonly log: EventLog
  private slots = new Map<string, Slot>()
  private all = new SortedSlots()
  private namespaces = new Map<string, SortedSlots>()
  private indexes = new Map<string, Map<string, SortedSlots>>()

  constructor(resource: StoredResource, revision: number) {
    this.resource = resource
    this.log = new EventLog(revision)
    this.clear(revision)
  }

  clear(revision: number): void {
    this.log.clear(revision)
    this.slots = new Map()
    this.all = new SortedSlots()
    this.namespaces = new Map()
    this.indexes = new Map(this.resource.indexedFields.map((field) => [field, new Map()]))
  }

  get(key: string): StoredEntry | undefined {
    return this.slots.get(key)?.entry
  }

  entries(): StoredEntry[] {
    return this.all.inOrder().map((slot) => slot.entry)
  }

  /** Answers the version before. */
  put(entry: StoredEntry): StoredEntry | undefined {
    const slot = this.slots.get(entry.key)
    if (!slot) {
      this.insert({ key: entry.key, entry })
      return undefined
    }
    const previous = slot.entry
    slot.entry = entry
    for (const [field, index] of this.indexes) {
      const before = previous.fields[field] ?? ''
      const after = entry.fields[field] ?? ''
      if (before === after) continue
      leave(index, before, slot)
      enter(index, after, slot)
    }
    return previous
  }

  remove(key: string): StoredEntry | undefined {
    const slot = this.slots.get(key)
    if (!slot) return undefined
    this.slots.delete(key)
    this.all.remove(slot)
    if (this.resource.namespaced) leave(this.namespaces, slot.entry.namespace, slot)
    for (const [field, index] of this.indexes) leave(index, slot.entry.fields[field] ?? '', slot)
    return slot.entry
  }

  list({ namespace, index }: ListQuery): Entry[] {
    const bucket = this.narrowest(namespace, index)
    if (!bucket) return []
    const slots = bucket.inOrder()
    const out: Entry[] = []
    const filter = namespace !== undefined && index !== undefined
    for (const { entry } of slots) if (!filter || entry.namespace === namespace) out.push(entry)
    return out
  }

  count(namespace: string | undefined): number {
    return this.narrowest(namespace, undefined)?.size ?? 0
  }

  private narrowest(namespace: string | undefined, index: ListQuery['index']): SortedSlots | undefined {
    if (index) {
      const values = this.indexes.get(index.field)
      if (!values) throw new Error(`Cannot list ${this.resource.prefix} by ${index.field}: it has no index`)
      return values.get(index.value)
    }
    return namespace === undefined ? this.all : this.namespaces.get(namespace)
  }

  private insert(slot: Slot): void {
    this.slots.set(slot.key, slot)
    this.all.add(slot)
    if (this.resource.namespaced) enter(this.namespaces, slot.entry.namespace, slot)
    for (const [field, index] of this.indexes) enter(index, slot.entry.fields[field] ?? '', slot)
  }
}

function enter(buckets: Map<string, SortedSlots>, value: string, slot: Slot): void {
  let bucket = buckets.get(value)
  if (!bucket) buckets.set(value, (bucket = new SortedSlots()))
  bucket.add(slot)
}

function leave(buckets: Map<string, SortedSlots>, value: string, slot: Slot): void {
  const bucket = buckets.get(value)
  bucket?.remove(slot)
  if (bucket?.size === 0) buckets.delete(value)
}
