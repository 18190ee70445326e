/** Runs something whenever objects of some kinds change: once for a burst of changes, never twice at a time, again when it fails. */
import { coalesce } from '../../component/coalesce.ts'
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
  let due = false
  let timer: NodeJS.Timeout | undefined

  const runAgainIn = (ms: number) => {
    if (ms > 0 && !closed) timer = setTimeout(runs.request, ms).unref()
  }
  const runs = coalesce(
    async () => {
      clearTimeout(timer)
      runAgainIn(await sync())
    },
    {
      onError(error) {
        if (!closed) logger.warn(`cannot keep ${what} as it should be yet`, { error })
        runAgainIn(RETRY_MS)
      },
    },
  )
  const wake = () => {
    if (due) return
    due = true
    // After all events that are at hand: one look at the whole is for them all.
    setImmediate(() => {
      due = false
      runs.request()
    })
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
  runs.request()
  return {
    wake,
    close() {
      closed = true
      runs.stop()
      clearTimeout(timer)
      for (const subscription of subscriptions.values()) subscription.close()
    },
  }
}
