/** `kubelab exec`: run a command in a container, over one WebSocket to the API server. */
import type { WebSocket } from 'ws'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { CLOSE, CommandFailed, ERROR, frame, outcomeOf, PROTOCOLS, RESIZE, STDERR, STDIN, STDOUT } from '../exec-channels.ts'
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
      await converse(socket, { stdin: options.stdin ?? false, tty })
    })
}

/** Until the server says how it ended. The terminal is given back as it was. */
async function converse(socket: WebSocket, { stdin, tty }: { stdin: boolean; tty: boolean }): Promise<void> {
  const sendSize = () =>
    socket.send(frame(RESIZE, JSON.stringify({ Width: process.stdout.columns, Height: process.stdout.rows })))
  const onInput = (data: Buffer) => socket.send(frame(STDIN, data))
  const onEnd = () => {
    if (socket.protocol === PROTOCOLS[0]) socket.send(Buffer.from([CLOSE, STDIN]))
  }
  if (tty) {
    process.stdin.setRawMode(true)
    sendSize()
    process.stdout.on('resize', sendSize)
  }
  if (stdin) process.stdin.on('data', onInput).on('end', onEnd)
  try {
    await finished(socket)
  } finally {
    process.stdout.off('resize', sendSize)
    process.stdin.off('data', onInput).off('end', onEnd)
    if (tty) process.stdin.setRawMode(false)
    // Otherwise the terminal keeps the process alive.
    process.stdin.pause()
    socket.close()
  }
}

function finished(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let outcome: Error | undefined
    let told = false
    socket.on('message', (message: Buffer) => {
      const data = message.subarray(1)
      switch (message[0]) {
        case STDOUT:
          process.stdout.write(data)
          break
        case STDERR:
          process.stderr.write(data)
          break
        case ERROR:
          outcome = outcomeOf(data.toString('utf8'))
          told = true
          break
      }
    })
    socket.once('error', reject)
    socket.once('close', (code) => {
      if (outcome) reject(outcome)
      else if (told || code === 1000) resolve()
      else reject(new CommandFailed(1))
    })
  })
}
