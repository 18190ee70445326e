/** The lab supervisor process: holds one lab until it is told to stop. Wiring only. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { defineFlags, parseFlags } from '../component/flags.ts'
import { collectWhenIdle } from '../component/idle-collection.ts'
import { createLogger } from '../component/logger.ts'
import { orExit } from '../component/shutdown.ts'
import { serveControl } from './control.ts'
import { type LabDefinition, labPaths } from './definition.ts'
import { isWanted, startGuardian } from './guardian.ts'
import { runLab } from './run-lab.ts'

const FLAGS = defineFlags({ lab: { type: 'string', default: 'lab', description: 'Name of the lab to hold.' } })

const { flags } = orExit(() => parseFlags(FLAGS, process.argv.slice(2), 'lab-supervisor'))
const logger = createLogger({ component: 'lab-supervisor' })
const script = path.resolve(process.argv[1]!)

// The kernel's word that the guardian is gone: make another.
process.on('SIGUSR1', () => {
  if (!isWanted(flags.lab)) return
  logger.warn('the guardian is gone, starting another')
  startGuardian(flags.lab, { node: process.execPath, script })
})

const definition = JSON.parse(await readFile(labPaths(flags.lab).definition, 'utf8')) as LabDefinition
const { control, stopped } = await runLab(definition, { node: process.execPath, dist: path.dirname(script) }, logger)
collectWhenIdle()
const server = await serveControl(flags.lab, control)
await stopped
// The answer to whoever asked for the stop is still on its way.
await new Promise((resolve) => server.close(resolve))
process.exit(0)
