/** The real controller manager as a process of its own, to be killed. */
import { spawn } from 'node:child_process'
import path from 'node:path'

export interface ManagerProcess {
  readonly pid: number
  /** Everything it has logged. */
  log(): string
  /** kill -9, waited for. */
  kill(): Promise<void>
  /** As a supervisor ends it. */
  stop(): Promise<void>
}

const root = path.resolve(import.meta.dirname, '../..')

/** `flags` beyond those that any test wants: no leader election, no fixed port. */
export const startManager = (
  kubeconfig: string,
  flags: readonly string[] = [],
  nodeFlags: readonly string[] = [],
  program = 'controller-manager/main.ts',
): ManagerProcess =>
  runManager([
    ...[process.execPath, '--no-warnings', ...nodeFlags, path.join(root, program)],
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0', '--bind-address=127.0.0.1', ...flags],
  ])

/** Any program with its arguments. */
export function runManager(command: readonly string[]): ManagerProcess {
  // Dies with this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let logged = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => (logged = (logged + text).slice(-200_000)))
  const end = (signal: NodeJS.Signals) => async () => {
    child.kill(signal)
    await ended
  }
  return { pid: child.pid!, log: () => logged, kill: end('SIGKILL'), stop: end('SIGTERM') }
}
