/** Time as a dependency: the system's for processes, one that a test moves by hand. */

export type Cancel = () => void

export interface Clock {
  now(): Date
  /** Runs `fn` once after `ms`. The timer alone does not keep the process alive. */
  setTimeout(fn: () => void, ms: number): Cancel
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

const sleepOn =
  (setTimer: Clock['setTimeout']) =>
  (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const cancel = setTimer(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    })

/** Node fires a timer beyond this at once instead of late. */
const longestTimer = 2 ** 31 - 1

const startTimer = (fn: () => void, ms: number) => setTimeout(fn, Math.min(Math.max(0, ms), longestTimer))

const setSystemTimeout: Clock['setTimeout'] = (fn, ms) => {
  const timer = startTimer(fn, ms).unref()
  return () => clearTimeout(timer)
}

export const systemClock: Clock = {
  now: () => new Date(),
  setTimeout: setSystemTimeout,
  // Someone waits for this one, so it does keep the process alive.
  sleep: sleepOn((fn, ms) => {
    const timer = startTimer(fn, ms)
    return () => clearTimeout(timer)
  }),
}

export interface TestClock extends Clock {
  /** Moves time forward, running what falls due in order; lets promises settle between timers. */
  advance(ms: number): Promise<void>
  /** How many timers wait. */
  pending(): number
}

/** A clock that stands still until a test moves it. */
export function createTestClock(start: Date | string = '2026-01-01T00:00:00Z'): TestClock {
  let time = new Date(start).getTime()
  const timers = new Set<{ due: number; fn: () => void }>()

  const setTestTimeout: Clock['setTimeout'] = (fn, ms) => {
    const timer = { due: time + Math.max(0, ms), fn }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  // setImmediate runs after every settled promise callback, so work that a timer started gets as far as it can.
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

  return {
    now: () => new Date(time),
    setTimeout: setTestTimeout,
    sleep: sleepOn(setTestTimeout),
    pending: () => timers.size,
    async advance(ms) {
      const end = time + ms
      await settle()
      for (;;) {
        const next = [...timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        timers.delete(next)
        time = Math.max(time, next.due)
        next.fn()
        await settle()
      }
      time = end
      await settle()
    },
  }
}
