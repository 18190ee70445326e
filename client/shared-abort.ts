/** One listener on a signal for all requests that end with it: one for each request is a fifth of what a request costs. */
import { EventEmitter } from 'node:events'

/** What undici takes for a signal: it reads `aborted` and `reason`, and listens for `abort`. */
class SharedAbort extends EventEmitter {
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
    this.setMaxListeners(0)
    signal.addEventListener('abort', () => this.emit('abort'), { once: true })
  }
  get aborted(): boolean {
    return this.#signal.aborted
  }
  get reason(): unknown {
    return this.#signal.reason
  }
}

const shared = new WeakMap<AbortSignal, SharedAbort>()

export function shareAbort(signal: AbortSignal): EventEmitter {
  const known = shared.get(signal)
  if (known) return known
  const made = new SharedAbort(signal)
  shared.set(signal, made)
  return made
}
