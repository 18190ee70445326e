/** Who watches what: found by resource and, for watches of one value of an indexed field, by that value. */
import type { IndexQuery, StoreEvent, WatchHandlers } from './store.ts'

export interface Subscriber {
  readonly prefix: string
  /** Prefix of the one resource; empty when the prefix covers several. */
  readonly resource: string
  readonly from: number
  readonly index: IndexQuery | undefined
  readonly handlers: WatchHandlers
  /** Number of the last event that was looked at: those of the backlog are not to come again. */
  seen: number
  /** Revision last heard of, by an event or as progress. */
  told: number
  open: boolean
}

/** Does the event concern the subscriber: is its object, or was it before, under the prefix and of the value? */
export function concerns({ prefix, from, index }: Subscriber, { entry, previous, revision }: StoreEvent): boolean {
  if (revision <= from || !entry.key.startsWith(prefix)) return false
  if (!index) return true
  const is = entry.fields[index.field] ?? ''
  return is === index.value || (previous !== undefined && (previous.fields[index.field] ?? '') === index.value)
}

export class Subscribers {
  private readonly everyone = new Set<Subscriber>()
  private readonly groups = new Map<string, Set<Subscriber>>()
  /** Indexed fields that are watched, by resource. */
  private readonly fields = new Map<string, Map<string, number>>()

  get size(): number {
    return this.everyone.size
  }

  add(subscriber: Subscriber): void {
    this.everyone.add(subscriber)
    const group = groupOf(subscriber)
    const members = this.groups.get(group)
    if (members) members.add(subscriber)
    else this.groups.set(group, new Set([subscriber]))
    if (subscriber.index) this.countField(subscriber.resource, subscriber.index.field, 1)
  }

  remove(subscriber: Subscriber): void {
    if (!this.everyone.delete(subscriber)) return
    const group = groupOf(subscriber)
    const members = this.groups.get(group)
    members?.delete(subscriber)
    if (members?.size === 0) this.groups.delete(group)
    if (subscriber.index) this.countField(subscriber.resource, subscriber.index.field, -1)
  }

  all(): Subscriber[] {
    return [...this.everyone]
  }

  of(resource: string): Subscriber[] {
    return this.all().filter((subscriber) => subscriber.resource === resource)
  }

  /** Everyone who may be concerned, some perhaps twice. Adding and removing meanwhile is allowed. */
  *candidates(resource: string, { entry, previous }: StoreEvent): Generator<Subscriber> {
    yield* this.groups.get(resource) ?? []
    for (const field of this.fields.get(resource)?.keys() ?? []) {
      const is = entry.fields[field] ?? ''
      const was = previous ? (previous.fields[field] ?? '') : is
      yield* this.groups.get(groupName(resource, field, is)) ?? []
      if (was !== is) yield* this.groups.get(groupName(resource, field, was)) ?? []
    }
    yield* this.groups.get('') ?? []
  }

  private countField(resource: string, field: string, change: 1 | -1): void {
    let counts = this.fields.get(resource)
    if (!counts) this.fields.set(resource, (counts = new Map()))
    const count = (counts.get(field) ?? 0) + change
    if (count > 0) counts.set(field, count)
    else counts.delete(field)
  }
}

const groupName = (resource: string, field: string, value: string): string => `${resource}\0${field}\0${value}`

const groupOf = ({ resource, index }: Subscriber): string => (index ? groupName(resource, index.field, index.value) : resource)
