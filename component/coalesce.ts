/** For work that is asked for often: one pass at a time, and one more for all that was asked for while it went on. */

export interface Coalesced {
  /** There is something to do: a pass begins now, or follows the one that runs. */
  request(): void
  /** Resolves when nothing runs and nothing was asked for. */
  settled(): Promise<void>
  /** No further pass begins; the one that runs goes on to its end. */
  stop(): void
}

export interface CoalesceOptions {
  /** A pass has failed. Others are not held up by it; to try again is for the caller to ask. */
  onError(error: unknown): void
  /** Waited for before each pass: what is asked for meanwhile is done by that pass. Without it a pass begins within `request`. */
  gather?: (() => Promise<void>) | undefined
}

export function coalesce(pass: () => Promise<void>, { onError, gather }: CoalesceOptions): Coalesced {
  let wanted = false
  let stopped = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    while (wanted && !stopped) {
      if (gather) await gather()
      wanted = false
      if (stopped) return
      try {
        await pass()
      } catch (error) {
        onError(error)
      }
    }
  }

  function request(): void {
    wanted = true
    if (stopped || running) return
    // Set before the pass begins: it may ask for the next one at once.
    const { promise, resolve } = Promise.withResolvers<void>()
    running = promise
    void run().finally(() => {
      running = undefined
      resolve()
      if (wanted) request()
    })
  }

  return {
    request,
    async settled() {
      while (running) await running
    },
    stop() {
      stopped = true
    },
  }
}

/** A `gather` for events that come in bursts: those of the same turn of the event loop are taken together. */
export const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
