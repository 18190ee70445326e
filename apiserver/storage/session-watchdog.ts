/**
 * Finds out that an HTTP/2 session is dead although nobody said so, by pings; then destroys it, which fails its streams.
 *
 * A peer that lost power or network closes nothing: without pings its silence would last until TCP gives up, in a quarter of an hour.
 * While calls wait, half a second of silence is enough to ask. An idle session is asked every seven seconds: etcd ends
 * connections that ping it more often than every five while nothing else happens.
 */
import type { Clock } from '../../component/clock.ts'
import type { GrpcSession } from './grpc-session.ts'

const IDLE_MS = 7_000
const STALL_MS = 500
const ANSWER_MS = 1_500

export class SessionWatchdog {
  private readonly session: GrpcSession
  private readonly clock: Clock
  private waiting = 0
  /** Something arrived since the last look. */
  private heard = false
  private stallTimer: (() => void) | undefined
  private idleTimer: () => void
  private pinging = false

  constructor(session: GrpcSession, clock: Clock) {
    this.session = session
    this.clock = clock
    this.idleTimer = clock.setTimeout(() => this.askIdle(), IDLE_MS)
    session.whenDestroyed(() => {
      this.idleTimer()
      this.stallTimer?.()
    })
  }

  callStarted(): void {
    this.waiting++
    this.stallTimer ??= this.clock.setTimeout(() => this.lookAtCalls(), STALL_MS)
  }

  /** `answered` is false for a call that was given up: that says nothing of the peer, except that it should be asked. */
  callEnded(answered: boolean): void {
    this.waiting--
    if (answered) this.heard = true
    else this.ask()
  }

  private lookAtCalls(): void {
    this.stallTimer = undefined
    if (this.waiting === 0 || this.session.destroyed) return
    const silent = !this.heard
    this.heard = false
    if (silent) this.ask()
    // After an answered ping etcd is slow, not gone: the deadlines of the calls decide.
    this.stallTimer = this.clock.setTimeout(() => this.lookAtCalls(), silent ? IDLE_MS : STALL_MS)
  }

  private askIdle(): void {
    if (this.session.destroyed) return
    this.ask()
    this.idleTimer = this.clock.setTimeout(() => this.askIdle(), IDLE_MS)
  }

  /** A session that is closing takes no ping, and needs none: whatever is left on it has a deadline. */
  private ask(): void {
    if (this.pinging || this.session.closed || this.session.destroyed) return
    this.pinging = true
    const giveUp = this.clock.setTimeout(() => afterPendingInput(() => this.pinging && this.destroy()), ANSWER_MS)
    this.session.ping(() => {
      this.pinging = false
      giveUp()
    })
  }

  private destroy(): void {
    if (!this.session.destroyed) this.session.destroy(new Error('etcd does not answer pings'))
  }
}

/** A timer that is late may run before the input that it waited for is read: a busy process must not blame its peer. */
export function afterPendingInput(fn: () => void): void {
  setImmediate(() => setImmediate(fn))
}
