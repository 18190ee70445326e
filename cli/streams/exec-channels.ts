/** The channels that exec and attach multiplex on one WebSocket (v5.channel.k8s.io): a byte that says which, then the data. */
import type { Status } from '../../api/generated/types.ts'
import { fromStatus } from '../../api/status.ts'
import { CliError } from '../errors.ts'

/** In the order of preference. Version 4 has no way to end standard input. */
export const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

export const STDIN = 0
export const STDOUT = 1
export const STDERR = 2
export const ERROR = 3
export const RESIZE = 4
export const CLOSE = 255

export const frame = (channel: number, data: Uint8Array | string = ''): Buffer =>
  Buffer.concat([Buffer.from([channel]), typeof data === 'string' ? Buffer.from(data) : data])

/** What the error channel said at the end: nothing for success, the command's exit code, or why it could not run. */
export function outcomeOf(text: string): Error | undefined {
  const status = JSON.parse(text) as Status
  if (status.status === 'Success') return undefined
  const exitCode = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (status.reason === 'NonZeroExitCode' && exitCode !== undefined) {
    return new CommandFailed(Number(exitCode))
  }
  return status.message ? new CliError(status.message) : fromStatus(status, status.code ?? 500)
}

/** The command ran and said that it failed: we end with its code. */
export class CommandFailed extends CliError {
  override readonly isPlain = true

  constructor(exitCode: number) {
    super(`command terminated with exit code ${exitCode}`, exitCode)
  }
}
