/** A lease as one candidate sees it: clocks of others may be off, so only the time since we saw a change counts. */
import type { Lease, LeaseSpec } from '../api/generated/types.ts'
import { formatMicroTime } from '../api/time.ts'
import type { Clock } from '../component/clock.ts'

export interface ObservedLease {
  saw(lease: Lease): void
  /** What was seen last is old. */
  forget(): void
  current(): Lease | undefined
  isMine(): boolean
  /** Somebody else has it, and its time is not over. */
  isTaken(): boolean
  /** What the lease says when we take or renew it now. */
  specNow(): LeaseSpec
}

export function createObservedLease(clock: Clock, identity: string, leaseDurationMs: number): ObservedLease {
  let seen: { lease: Lease; text: string; at: number } | undefined
  const isMine = () => seen?.lease.spec.holderIdentity === identity
  return {
    saw(lease) {
      const text = `${lease.spec.holderIdentity ?? ''}/${lease.spec.renewTime ?? ''}/${lease.spec.leaseTransitions ?? 0}`
      if (seen?.text === text) seen.lease = lease
      else seen = { lease, text, at: clock.now().getTime() }
    },
    forget() {
      seen = undefined
    },
    current: () => seen?.lease,
    isMine,
    isTaken() {
      if (!seen?.lease.spec.holderIdentity || isMine()) return false
      return seen.at + (seen.lease.spec.leaseDurationSeconds ?? 15) * 1000 > clock.now().getTime()
    },
    specNow() {
      const time = formatMicroTime(clock.now())
      const before = seen?.lease.spec
      return {
        holderIdentity: identity,
        leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
        renewTime: time,
        acquireTime: isMine() ? (before?.acquireTime ?? time) : time,
        leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !isMine() ? 1 : 0),
      }
    },
  }
}
