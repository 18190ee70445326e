/** One line a message on stderr: text for people, JSON for machines; fields ride along and are never lost. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Record<string, unknown>

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to each of its messages. */
  with(fields: LogFields): Logger
}

export interface LoggerOptions {
  component: string
  level?: LogLevel | undefined
  format?: 'text' | 'json' | undefined
  write?: ((line: string) => void) | undefined
  now?: (() => Date) | undefined
}

const severity: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

export function createLogger({
  component,
  level = 'info',
  format = 'text',
  write,
  now = () => new Date(),
}: LoggerOptions): Logger {
  const out = write ?? ((line: string) => void process.stderr.write(line))
  const render = format === 'json' ? renderJson : renderText

  const build = (bound: LogFields): Logger => {
    const at = (messageLevel: LogLevel) => (message: string, fields?: LogFields) => {
      if (severity[messageLevel] < severity[level]) return
      out(render(now(), messageLevel, component, message, fields ? { ...bound, ...fields } : bound))
    }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => build({ ...bound, ...fields }),
    }
  }
  return build({})
}

/** For tests and for code that runs before there is anything to say. */
export const silentLogger: Logger = createLogger({ component: 'silent', level: 'error', write: () => {} })

/** Errors keep their stack in JSON, where JSON.stringify alone would print `{}`. */
const plain = (value: unknown): unknown =>
  value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value

function renderJson(time: Date, level: LogLevel, component: string, message: string, fields: LogFields): string {
  const entry: LogFields = { time: time.toISOString(), level, component, message }
  for (const [name, value] of Object.entries(fields)) entry[name] = plain(value)
  return `${JSON.stringify(entry)}\n`
}

function renderText(time: Date, level: LogLevel, component: string, message: string, fields: LogFields): string {
  const tail = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${showField(value)}`)
    .join('')
  return `${time.toISOString()} ${level.toUpperCase().padEnd(5)} ${component}: ${message}${tail}\n`
}

function showField(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message)
  if (typeof value === 'string') return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value) ?? String(value)
}
