/** The steps of a lab that comes up: told to the log, and to whoever follows, also those that were done before. */
import type { Logger } from '../component/logger.ts'
import type { Step } from './control.ts'

export interface Progress {
  readonly steps: Step[]
  done(name: string): void
  /** Each step, those before first, until `end` settles. */
  follow(onStep: (step: Step) => void, end: Promise<unknown>): Promise<void>
}

export function createProgress(logger: Logger): Progress {
  const started = performance.now()
  const steps: Step[] = []
  const listeners = new Set<(step: Step) => void>()
  return {
    steps,
    done(name) {
      const step = { name, atMs: Math.round(performance.now() - started) }
      steps.push(step)
      listeners.forEach((listener) => listener(step))
      logger.info(name, { atMs: step.atMs })
    },
    async follow(onStep, end) {
      steps.forEach(onStep)
      listeners.add(onStep)
      await end.finally(() => listeners.delete(onStep))
    },
  }
}
