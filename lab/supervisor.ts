/**
 * Keeps a lab's processes running: starts each when what it needs answers, and starts it again when it ends.
 *
 * Children get a signal when the supervisor dies (`setpriv --pdeathsig`), so a supervisor that is started anew finds nothing
 * half alive and starts all of them; nodes and their containers are not its children and live on.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import { computeBackoff } from '../component/backoff.ts'
import type { Logger } from '../component/logger.ts'
import { type LabDefinition, labPaths } from './definition.ts'
import { inPlaceOf } from './in-place.ts'
import type { ProcessSpec } from './processes.ts'

export interface ProcessState {
  name: string
  node?: string
  state: 'waiting' | 'running' | 'backoff' | 'stopped'
  pid?: number
  restarts: number
  since: string
}

interface Supervised {
  spec: ProcessSpec
  child?: ChildProcess
  state: ProcessState['state']
  restarts: number
  failuresInARow: number
  since: Date
  timer?: NodeJS.Timeout
}

export interface Supervisor {
  /** Starts the processes as soon as what each waits for answers. */
  start(specs: readonly ProcessSpec[]): void
  /** Ends those that match and does not start them again until `start`. Resolves when they are gone. */
  stop(matches: (spec: ProcessSpec) => boolean): Promise<void>
  states(): ProcessState[]
}

/**
 * The guardian's lock is this process's file descriptor 3 (guardian.ts); a child that inherited it would hold the lock after
 * the supervisor is gone.
 */
const NO_LOCK = 'ignore'

/** A process that lived this long was healthy: its next failure is a first one. */
const HEALTHY_MS = 10_000
const STOP_GRACE_MS = 5_000

export function createSupervisor(lab: LabDefinition, logger: Logger, ready: (spec: ProcessSpec) => Promise<void>): Supervisor {
  const processes = new Map<string, Supervised>()

  function launch(process_: Supervised): void {
    const { spec } = process_
    const log = openSync(path.join(labPaths(lab.name).logs, `${spec.name}.log`), 'a')
    const [command, ...words] = inPlaceOf(lab, spec, spec.command)
    const child = spawn(command!, words, { stdio: ['ignore', log, log, NO_LOCK] })
    closeSync(log)
    process_.child = child
    process_.state = 'running'
    process_.since = new Date()
    child.once('error', (error) => logger.error('cannot start', { process: spec.name, error }))
    child.once('exit', (code, signal) => onExit(process_, child, code, signal))
  }

  function onExit(process_: Supervised, child: ChildProcess, code: number | null, signal: string | null): void {
    if (process_.child !== child || process_.state === 'stopped') return
    const lived = Date.now() - process_.since.getTime()
    process_.failuresInARow = lived > HEALTHY_MS ? 1 : process_.failuresInARow + 1
    process_.restarts += 1
    process_.state = 'backoff'
    process_.since = new Date()
    const wait = computeBackoff({ initialMs: 100, maxMs: 5_000 }, process_.failuresInARow - 1)
    logger.warn('ended, starting it again', { process: process_.spec.name, code, signal, inMs: wait })
    process_.timer = setTimeout(() => void begin(process_), wait)
  }

  async function begin(process_: Supervised): Promise<void> {
    try {
      await ready(process_.spec)
      if (process_.state !== 'stopped') launch(process_)
    } catch (error) {
      if (process_.state === 'stopped') return
      logger.error('cannot start', { process: process_.spec.name, error })
      process_.timer = setTimeout(() => void begin(process_), 1_000)
    }
  }

  async function end(process_: Supervised): Promise<void> {
    clearTimeout(process_.timer)
    const { child, state } = process_
    process_.state = 'stopped'
    process_.since = new Date()
    if (!child || state !== 'running' || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
    await gone
    clearTimeout(force)
  }

  return {
    start(specs) {
      for (const spec of specs) {
        const known = processes.get(spec.name)
        if (known && known.state !== 'stopped') continue
        const process_: Supervised = {
          spec,
          state: 'waiting',
          restarts: known?.restarts ?? 0,
          failuresInARow: 0,
          since: new Date(),
        }
        processes.set(spec.name, process_)
        void begin(process_)
      }
    },
    async stop(matches) {
      await Promise.all([...processes.values()].filter(({ spec }) => matches(spec)).map(end))
    },
    states: () =>
      [...processes.values()].map(({ spec, state, child, restarts, since }) => ({
        name: spec.name,
        ...(spec.node && { node: spec.node }),
        state,
        ...(state === 'running' && child?.pid && { pid: child.pid }),
        restarts,
        since: since.toISOString(),
      })),
  }
}
