/**
 * Keeps a lab's processes running: starts each when what it needs answers, and starts it again when it ends.
 *
 * Children get a signal when the supervisor dies (`setpriv --pdeathsig`), so a supervisor that is started anew finds nothing
 * half alive and starts all of them; nodes and their containers are not its children and live on.
 */
import type { Logger } from '../component/logger.ts'
import type { LabDefinition } from './definition.ts'
import { keepRunning, type KeptProcess, type ProcessState } from './kept-process.ts'
import type { ProcessSpec } from './processes.ts'

export interface Supervisor {
  /** Starts the processes as soon as what each waits for answers. */
  start(specs: readonly ProcessSpec[]): void
  /** Ends those that match and does not start them again until `start`. Resolves when they are gone. */
  stop(matches: (spec: ProcessSpec) => boolean): Promise<void>
  states(): ProcessState[]
}

export function createSupervisor(lab: LabDefinition, logger: Logger, ready: (spec: ProcessSpec) => Promise<void>): Supervisor {
  const processes = new Map<string, KeptProcess>()
  return {
    start(specs) {
      for (const spec of specs) {
        const known = processes.get(spec.name)
        if (known && !known.isStopped()) continue
        processes.set(spec.name, keepRunning(spec, { lab, logger, ready, restarts: known?.state().restarts ?? 0 }))
      }
    },
    async stop(matches) {
      await Promise.all([...processes.values()].filter(({ spec }) => matches(spec)).map((each) => each.stop()))
    },
    states: () => Array.from(processes.values(), (each) => each.state()),
  }
}
