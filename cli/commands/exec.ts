/** `kubelab exec`: run a command in a container, over one WebSocket to the API server. */
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { PROTOCOLS } from '../exec-channels.ts'
import { runExecSession, type Terminal } from '../exec-session.ts'
import { chooseContainer, findPods } from '../find-pods.ts'
import { openWebSocket } from '../open-stream.ts'

interface ExecOptions {
  container?: string
  stdin?: boolean
  tty?: boolean
  quiet?: boolean
}

export const exec: CliCommand = (program, open) => {
  program
    .command('exec <pod> [command...]')
    .description('Run a command in a container: exec -it web -- sh')
    .option('-c, --container <name>', 'which container')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'on a terminal')
    .option('-q, --quiet', 'only what the command writes')
    .action(async (name: string, command: string[], options: ExecOptions) => {
      if (command.length === 0) throw new CliError('you must specify at least one command for the container')
      const session = await open()
      const [pod] = await findPods(session, name)
      const { phase } = pod!.status ?? {}
      if (phase === 'Succeeded' || phase === 'Failed') {
        throw new CliError(`cannot exec into a container in a completed pod; current phase is ${phase}`)
      }
      const container = chooseContainer(options.quiet ? { ...session, note: () => {} } : session, pod!, options.container)
      const tty = options.tty === true && process.stdin.isTTY === true
      if (options.tty && !tty) session.note('Unable to use a TTY - input is not a terminal or the right kind of file')
      const query = new URLSearchParams(command.map((word): [string, string] => ['command', word]))
      query.set('container', container)
      query.set('stdin', String(options.stdin ?? false))
      query.set('stdout', 'true')
      query.set('stderr', String(!tty))
      query.set('tty', String(tty))
      const { namespace = '', name: podName } = pod!.metadata
      const socket = await openWebSocket(
        session.config,
        `/api/v1/namespaces/${namespace}/pods/${podName}/exec?${query}`,
        PROTOCOLS,
      )
      await runExecSession(socket, {
        stdin: options.stdin ? process.stdin : undefined,
        stdout: process.stdout,
        stderr: process.stderr,
        terminal: tty ? TERMINAL : undefined,
      })
    })
}

const TERMINAL: Terminal = {
  size: () => ({ width: process.stdout.columns, height: process.stdout.rows }),
  onResize: (listener) => {
    process.stdout.on('resize', listener)
    return () => process.stdout.off('resize', listener)
  },
  setRaw: (raw) => process.stdin.setRawMode(raw),
}
