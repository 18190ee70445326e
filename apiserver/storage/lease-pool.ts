/** Leases for objects that expire, shared by writes of about the same moment as upstream does for events. */
import type { Clock } from '../../component/clock.ts'

interface Lease {
  id: Promise<number>
  expiresAt: number
}

export class LeasePool {
  private readonly grant: (ttlSeconds: number) => Promise<number>
  private readonly clock: Clock
  private readonly leases = new Map<number, Lease>()

  constructor(grant: (ttlSeconds: number) => Promise<number>, clock: Clock) {
    this.grant = grant
    this.clock = clock
  }

  /** A lease that lives at least `ttlSeconds` from now, and at most a twentieth of that or a minute longer, but a second at least. */
  async leaseFor(ttlSeconds: number): Promise<number> {
    const now = this.clock.now().getTime()
    const known = this.leases.get(ttlSeconds)
    if (known && known.expiresAt >= now + ttlSeconds * 1000) return known.id
    const lifetime = ttlSeconds + Math.max(1, Math.min(60, Math.floor(ttlSeconds / 20)))
    const lease = { id: this.grant(lifetime), expiresAt: now + lifetime * 1000 }
    this.leases.set(ttlSeconds, lease)
    lease.id.catch(() => this.forget(ttlSeconds, lease))
    return lease.id
  }

  /** Etcd does not know the lease (any more): the next asker gets a new one. */
  drop(ttlSeconds: number): void {
    this.leases.delete(ttlSeconds)
  }

  private forget(ttlSeconds: number, lease: Lease): void {
    if (this.leases.get(ttlSeconds) === lease) this.leases.delete(ttlSeconds)
  }
}
