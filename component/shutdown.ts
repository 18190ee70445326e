/** The life of a process: start it, wait for a signal or a failure, stop it in order, leave with the right code. */
import { FlagError, HelpRequested } from './flags.ts'
import { collectWhenIdle } from './idle-collection.ts'
import type { Logger } from './logger.ts'

export interface Running {
  /** Ends the process from inside with code 1: a lost leader lease, a dead worker. */
  failed?: Promise<unknown> | undefined
  /** Lets go of everything; the process leaves when it resolves. */
  stop(): Promise<void> | void
}

export interface ShutdownOptions {
  logger: Logger
  /** How long `stop` may take before the process leaves anyway. */
  graceMs?: number
}

/**
 * Runs `start`, then waits. SIGTERM or SIGINT stops; a second one leaves at once. An unhandled rejection or exception is
 * logged and fatal: a process in an unknown state is worse than a restart. `signal` aborts when stopping begins, even
 * while `start` still runs.
 */
export async function runUntilSignal(
  start: (signal: AbortSignal) => Promise<Running> | Running,
  { logger, graceMs = 30_000 }: ShutdownOptions,
): Promise<never> {
  const controller = new AbortController()
  const fatal = (what: string) => (error: unknown) => {
    logger.error(what, { error })
    process.exit(1)
  }
  process.on('unhandledRejection', fatal('unhandled rejection'))
  process.on('uncaughtException', fatal('uncaught exception'))
  // A signal must end a process that is still starting, too: `start` may wait for a server that never comes.
  const asked = new Promise<'signal'>((resolve) => {
    const onSignal = (name: NodeJS.Signals) => {
      if (controller.signal.aborted) {
        logger.warn('second signal, leaving at once', { signal: name })
        process.exit(130)
      }
      logger.info('stopping', { signal: name })
      controller.abort()
      resolve('signal')
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
  // Timers of ours are unref'd; this one keeps an idle process alive while it waits.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  collectWhenIdle()

  const running = await Promise.race([Promise.resolve().then(() => start(controller.signal)), asked]).catch(fatal('cannot start'))
  if (running === 'signal') process.exit(0)
  const reason = await Promise.race([asked, failureOf(running)])
  // What ends because it was asked to has not failed.
  if (reason !== 'signal') logger.error('ended by itself', reason.error === undefined ? {} : { error: reason.error })
  controller.abort()
  const timer = setTimeout(() => {
    logger.error('did not stop in time', { graceMs })
    process.exit(1)
  }, graceMs)
  await Promise.resolve(running.stop()).catch(fatal('cannot stop cleanly'))
  clearTimeout(timer)
  clearInterval(keepAlive)
  process.exit(reason === 'signal' ? 0 : 1)
}

function failureOf({ failed }: Running): Promise<{ error: unknown }> {
  if (!failed) return new Promise(() => {})
  return failed.then(
    () => ({ error: undefined }),
    (error: unknown) => ({ error }),
  )
}

/** Turns a wrong command line into one line and code 1, and `--help` into its text: for the first line of a main.ts. */
export function orExit<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(error.message)
      process.exit(0)
    }
    if (error instanceof FlagError) {
      process.stderr.write(`Error: ${error.message}\n`)
      process.exit(1)
    }
    throw error
  }
}
