/** Writes on their way: what their watch events will carry, already encoded and looked at. */
import type { Draft } from './entry.ts'

interface Pending {
  /** As etcd stores it. */
  stored: Buffer
  draft: Draft
}

export class Drafts {
  private readonly pending = new Map<string, Pending[]>()

  add(key: string, stored: Buffer, draft: Draft): void {
    const writes = this.pending.get(key)
    if (writes) writes.push({ stored, draft })
    else this.pending.set(key, [{ stored, draft }])
  }

  /** The draft that became `stored`, by its bytes: events and answers come in either order, so no revision is known yet. */
  take(key: string, stored: Buffer): Draft | undefined {
    const writes = this.pending.get(key)
    const index = writes?.findIndex((write) => write.stored.equals(stored)) ?? -1
    if (!writes || index < 0) return undefined
    const [found] = writes.splice(index, 1)
    if (writes.length === 0) this.pending.delete(key)
    return found?.draft
  }

  remove(key: string, draft: Draft): void {
    const writes = this.pending.get(key)
    const index = writes?.findIndex((write) => write.draft === draft) ?? -1
    if (!writes || index < 0) return
    writes.splice(index, 1)
    if (writes.length === 0) this.pending.delete(key)
  }

  clear(): void {
    this.pending.clear()
  }
}
