/** Checks of what has a name, one at a time of each: again when that was asked for meanwhile, soon after a failure, now and then. */

/** Of what is gone nothing more is wanted. */
export type Outcome = 'well' | 'failed' | 'gone'

export interface Rechecks {
  /** To be checked soon; once more when it is at it. */
  check(name: string): void
  close(): void
}

interface Checked {
  running: boolean
  again: boolean
  failures: number
  timer: NodeJS.Timeout | undefined
}

/** As upstream looks again when nothing has happened. */
const AGAIN_MS = 30_000
const FIRST_RETRY_MS = 500

/** `look` must not reject. */
export function createRechecks(look: (name: string) => Promise<Outcome>, stopping: AbortSignal): Rechecks {
  const all = new Map<string, Checked>()

  const check = (name: string) => {
    const checked = all.get(name) ?? { running: false, again: false, failures: 0, timer: undefined }
    all.set(name, checked)
    if (checked.running) {
      checked.again = true
      return
    }
    checked.running = true
    clearTimeout(checked.timer)
    void look(name).then((outcome) => conclude(name, checked, outcome))
  }

  const conclude = (name: string, checked: Checked, outcome: Outcome) => {
    checked.running = false
    if (stopping.aborted) return
    if (checked.again) {
      checked.again = false
      return check(name)
    }
    if (outcome === 'gone') return void all.delete(name)
    checked.failures = outcome === 'failed' ? checked.failures + 1 : 0
    const wait = checked.failures > 0 ? Math.min(FIRST_RETRY_MS * 2 ** checked.failures, AGAIN_MS) : AGAIN_MS
    checked.timer = setTimeout(() => check(name), wait).unref()
  }

  return {
    check,
    close() {
      for (const { timer } of all.values()) clearTimeout(timer)
    },
  }
}
