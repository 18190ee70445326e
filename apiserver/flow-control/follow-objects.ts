/** Runs something whenever objects of some kinds change: once for a burst of changes, never twice at a time, again when it fails. */
import type { Logger } from '../../component/logger.ts'
import type { Store, Subscription } from '../storage/store.ts'

const RETRY_MS = 1000

export interface FollowOptions {
  store: Store
  prefixes: readonly string[]
  logger: Logger
  /** What it is about, for the log. */
  what: string
  /** Looks at everything anew. Answers in how many milliseconds it wants to run again; 0: when something changes. */
  sync: () => Promise<number>
}

export interface Following {
  /** Something else has changed. */
  wake(): void
  close(): void
}

/** Runs `sync` at once, up to its first wait. */
export function followObjects({ store, prefixes, logger, what, sync }: FollowOptions): Following {
  const subscriptions = new Map<string, Subscription>()
  let closed = false
  let running = false
  let woken = false
  let timer: NodeJS.Timeout | undefined

  const run = async () => {
    running = true
    woken = false
    clearTimeout(timer)
    let againInMs: number
    try {
      againInMs = await sync()
    } catch (error) {
      if (!closed) logger.warn(`cannot keep ${what} as it should be yet`, { error })
      againInMs = RETRY_MS
    }
    running = false
    if (closed) return
    if (woken) schedule()
    else if (againInMs > 0) timer = setTimeout(() => void run(), againInMs).unref()
  }
  // After all events that are at hand: one look at the whole is for them all.
  const schedule = () => void setImmediate(() => !closed && !running && void run())
  const wake = () => {
    if (woken || closed) return
    woken = true
    if (!running) schedule()
  }
  const follow = (prefix: string) => {
    const subscription = store.watch(prefix, store.revision(), {
      onEvent: wake,
      onEnd: (reason) => {
        if (closed || reason.code === 503) return
        logger.warn(`reading ${what} again`, { prefix, reason: reason.message })
        follow(prefix)
        wake()
      },
    })
    subscriptions.set(prefix, subscription)
  }
  prefixes.forEach(follow)
  void run()
  return {
    wake,
    close() {
      closed = true
      clearTimeout(timer)
      for (const subscription of subscriptions.values()) subscription.close()
    },
  }
}
