/** The real scheduler as a process of its own, to be killed. */
import { spawn } from 'node:child_process'
import path from 'node:path'

export interface SchedulerProcess {
  /** kill -9, waited for. */
  kill(): Promise<void>
}

const entry = path.resolve(import.meta.dirname, '../../scheduler/main.ts')

export function startScheduler(kubeconfig: string, flags: readonly string[] = []): SchedulerProcess {
  const usual = [`--kubeconfig=${kubeconfig}`, '--secure-port=0', '--bind-address=127.0.0.1']
  // Dies with this process, however that ends.
  const command = ['--pdeathsig', 'KILL', process.execPath, '--no-warnings', entry, ...usual, ...flags]
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'ignore'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
