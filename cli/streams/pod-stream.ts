/** exec and attach: a container's streams joined to those of this process, over one WebSocket to the API server. */
import type { Pod } from '../../api/generated/types.ts'
import { PROTOCOLS } from './exec-channels.ts'
import { runExecSession, type Streams, type Terminal } from './exec-session.ts'
import { openWebSocket } from './open-stream.ts'
import type { Session } from '../session.ts'

export interface StreamChoice {
  verb: 'exec' | 'attach'
  container: string
  /** What exec runs. */
  command?: readonly string[]
  stdin: boolean
  /** On our own terminal; `terminalWanted` says whether there is one. */
  tty: boolean
}

/** `-t` where there is no terminal is no failure: kubectl says so and goes on without. */
export function terminalWanted(session: Session, tty: boolean | undefined): boolean {
  const isTerminal = process.stdin.isTTY === true
  if (tty && !isTerminal) session.note('Unable to use a TTY - input is not a terminal or the right kind of file')
  return tty === true && isTerminal
}

/** Until the command ends; rejects with `CommandFailed` when it fails. */
export async function runPodStream(session: Session, pod: Pod, choice: StreamChoice, streams?: Partial<Streams>): Promise<void> {
  const { verb, container, command = [], stdin, tty } = choice
  const query = new URLSearchParams(command.map((word): [string, string] => ['command', word]))
  query.set('container', container)
  query.set('stdin', String(stdin))
  query.set('stdout', 'true')
  query.set('stderr', String(!tty))
  query.set('tty', String(tty))
  const { namespace = '', name } = pod.metadata
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/${verb}?${query}`
  const socket = await openWebSocket(session.config, path, PROTOCOLS)
  await runExecSession(socket, {
    stdin: stdin ? process.stdin : undefined,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: tty ? TERMINAL : undefined,
    ...streams,
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
