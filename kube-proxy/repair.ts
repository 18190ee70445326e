/** Looks every so often whether someone flushed the tables, as upstream's canary does. */
import type { Cancel, Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'

const repairMs = 30_000

/** Runs until it is cancelled; a look that fails is logged, and the next one comes in its turn. */
export function repairRegularly(look: () => Promise<void>, clock: Clock, logger: Logger): Cancel {
  let stopped = false
  let cancel: Cancel = () => {}
  const later = () => {
    cancel = clock.setTimeout(() => {
      look()
        .catch((error: unknown) => logger.warn('cannot check the rules', { error: String(error) }))
        .finally(() => stopped || later())
    }, repairMs)
  }
  later()
  return () => {
    stopped = true
    cancel()
  }
}
