/** kube-apiserver: flags, start, stop on a signal. */
import { createLogger } from '../component/logger.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { readFlags } from './flags.ts'
import { startFromFlags } from './start-from-flags.ts'

const flags = orExit(() => readFlags(process.argv.slice(2)))
const logger = createLogger({
  component: 'kube-apiserver',
  level: flags.v >= 4 ? 'debug' : 'info',
  format: flags['log-format'] as 'text' | 'json',
})

/** What is left for stopping after `--shutdown-delay-duration`. */
const STOP_MS = 30_000
const graceMs = flags['shutdown-delay-duration'] + STOP_MS
await runUntilSignal(() => startFromFlags(flags, logger), { logger, graceMs })
