/** One process of a lab, kept running: started when what it needs answers, started again when it ends, until it is told to stop. */
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

export interface KeptProcess {
  readonly spec: ProcessSpec
  /** Resolves when it is gone; nothing starts it again. */
  stop(): Promise<void>
  isStopped(): boolean
  state(): ProcessState
}

export interface KeepOptions {
  lab: LabDefinition
  logger: Logger
  /** Resolves when what the process needs answers. */
  ready: (spec: ProcessSpec) => Promise<void>
  /** How often an earlier life of it was started again. */
  restarts: number
}

/**
 * The guardian's lock is this process's file descriptor 3 (guardian.ts); a child that inherited it would hold the lock after
 * the supervisor is gone.
 */
const NO_LOCK = 'ignore'

/** A process that lived this long was healthy: its next failure is a first one. */
const HEALTHY_MS = 10_000
const STOP_GRACE_MS = 5_000

export function keepRunning(spec: ProcessSpec, options: KeepOptions): KeptProcess {
  const { logger, ready } = options
  let state: ProcessState['state'] = 'waiting'
  let since = new Date()
  let { restarts } = options
  let failuresInARow = 0
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined

  const become = (next: ProcessState['state']) => {
    state = next
    since = new Date()
  }
  const isStopped = () => state === 'stopped'

  async function begin(): Promise<void> {
    try {
      await ready(spec)
      if (!isStopped()) launch()
    } catch (error) {
      if (isStopped()) return
      logger.error('cannot start', { process: spec.name, error })
      timer = setTimeout(() => void begin(), 1_000)
    }
  }

  function launch(): void {
    const launched = spawnLogged(spec, options.lab)
    child = launched
    become('running')
    launched.once('error', (error) => logger.error('cannot start', { process: spec.name, error }))
    launched.once('exit', (code, signal) => child === launched && !isStopped() && ended(code, signal))
  }

  function ended(code: number | null, signal: string | null): void {
    const lived = Date.now() - since.getTime()
    failuresInARow = lived > HEALTHY_MS ? 1 : failuresInARow + 1
    restarts += 1
    become('backoff')
    const wait = computeBackoff({ initialMs: 100, maxMs: 5_000 }, failuresInARow - 1)
    logger.warn('ended, starting it again', { process: spec.name, code, signal, inMs: wait })
    timer = setTimeout(() => void begin(), wait)
  }

  void begin()
  return {
    spec,
    isStopped,
    async stop() {
      clearTimeout(timer)
      const wasRunning = state === 'running'
      become('stopped')
      if (child && wasRunning) await terminate(child)
    },
    state: () => ({
      name: spec.name,
      ...(spec.node && { node: spec.node }),
      state,
      ...(state === 'running' && child?.pid && { pid: child.pid }),
      restarts,
      since: since.toISOString(),
    }),
  }
}

function spawnLogged(spec: ProcessSpec, lab: LabDefinition): ChildProcess {
  const log = openSync(path.join(labPaths(lab.name).logs, `${spec.name}.log`), 'a')
  const [command, ...words] = inPlaceOf(lab, spec, spec.command)
  const child = spawn(command!, words, { stdio: ['ignore', log, log, NO_LOCK] })
  closeSync(log)
  return child
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
  await gone
  clearTimeout(force)
}
