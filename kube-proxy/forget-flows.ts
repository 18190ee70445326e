/** Deletes stale UDP flows from the kernel's connection tracking. */
import type { Logger } from '../component/logger.ts'
import { ProgramError, runProgram, type Run } from './run-program.ts'
import { conntrackArguments, type StaleFlow } from './stale-flows.ts'

/** Failures are logged: rules are right all the same, and flows run out by themselves. */
export const createForgetFlows =
  (logger: Logger, run: Run = runProgram) =>
  async (flows: readonly StaleFlow[]): Promise<void> => {
    const commands = new Map(flows.map((flow) => [JSON.stringify(flow), conntrackArguments(flow)]))
    for (const words of commands.values()) {
      try {
        await run(['conntrack', ...words])
      } catch (error) {
        // It counts finding none as failure.
        if (error instanceof ProgramError && error.errors.includes('0 flow entries')) continue
        logger.warn('cannot forget UDP flows', { command: words.join(' '), error: String(error) })
      }
    }
  }
