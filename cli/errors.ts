/** How failures are told, in kubectl's words, and what the process then exits with. */
import { messageOf } from '../api/error-message.ts'
import { type ApiError, isApiError, isInvalid, isUnauthorized } from '../api/status.ts'
import { NoClusterError } from '../client/kubeconfig.ts'
import { UnreachableError } from '../client/rest-client.ts'
import { dialError } from '../component/dial-error.ts'

/** A complaint of our own: printed as `error: …`. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number
  /** Printed without `error: ` before it. */
  readonly isPlain: boolean = false

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What a command printed already; the process only has to end with this code. */
export class SilentExit extends CliError {}

/** What was being done when the server refused: stands between `Error from server (…):` and the server's message. */
class ServerErrorWithContext extends Error {
  readonly context: string
  readonly error: ApiError

  constructor(context: string, error: ApiError) {
    super(`${context}: ${error.message}`)
    this.context = context
    this.error = error
  }
}

/** `error when creating "file.yaml"` around what the server says; other errors pass. */
export const inContext = (context: string, error: unknown): unknown =>
  isApiError(error) ? new ServerErrorWithContext(context, error) : error

export function describeError(error: unknown): string {
  if (error instanceof SilentExit) return ''
  if (error instanceof ServerErrorWithContext) {
    if (isInvalid(error.error)) return describeInvalid(error.error)
    return `Error from server${reasonOf(error.error)}: ${error.message}`
  }
  if (isApiError(error)) return describeApiError(error)
  if (error instanceof UnreachableError) return describeUnreachable(error)
  if (isTimeout(error))
    return 'Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  if (error instanceof CliError && error.isPlain) return error.message
  return `error: ${messageOf(error)}`
}

function describeUnreachable(error: UnreachableError): string {
  const { hostname, port } = new URL(serverOf(error) ?? 'https://unknown')
  if (error.code === 'ECONNREFUSED')
    return `The connection to the server ${hostname}${port && `:${port}`} was refused - did you specify the right host or port?`
  const dial = dialError(error, hostname, Number(port || 443))
  return dial ? `Unable to connect to the server: ${dial}` : `error: ${error.message}`
}

const serverOf = ({ message }: UnreachableError): string | undefined =>
  /https?:\/\/(\[[^\]]+\]|[^/:\s]+)(:\d+)?/.exec(message)?.[0]

/** What to do about a server that is not there: who asks may not know that it is a lab's, and that the lab is down. */
export function hintFor(error: unknown, labServedAt: (url: string) => string | undefined): string {
  if (error instanceof NoClusterError) return "'kubelab up' brings up a cluster and makes it the current one"
  const lab = error instanceof UnreachableError ? labServedAt(serverOf(error) ?? '') : undefined
  if (!lab) return ''
  return `It is the API server of the lab "${lab}": 'kubelab status --lab ${lab}' says how it is, 'kubelab up --lab ${lab}' brings it up`
}

/** `--request-timeout` is over: the signal's own error, or what Node makes of it while it reads an answer. */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || (error.name === 'AbortError' && isTimeout(error.cause)))

const reasonOf = ({ reason }: ApiError) => (reason ? ` (${reason})` : '')

function describeApiError(error: ApiError): string {
  const text = `Error from server${reasonOf(error)}: ${error.message}`
  if (isUnauthorized(error)) return `error: You must be logged in to the server (${error.message || 'Unauthorized'})`
  return isInvalid(error) ? describeInvalid(error) : text
}

/** One complaint stands in the line, several one a line. */
function describeInvalid(error: ApiError): string {
  const { kind, name = '', causes = [] } = error.details ?? {}
  if (!kind) return `Error from server${reasonOf(error)}: ${error.message}`
  const head = `The ${kind} ${JSON.stringify(name)} is invalid`
  const complaints = [...new Set(causes.map(({ field, message }) => (field ? `${field}: ${message}` : (message ?? ''))))]
  if (complaints.length === 0) return head
  return complaints.length === 1 ? `${head}: ${complaints[0]}` : `${head}: \n${complaints.map((text) => `* ${text}`).join('\n')}`
}

export const exitCodeOf = (error: unknown): number => (error instanceof CliError ? error.exitCode : 1)
