/** Command-line flags as upstream's components take them: `--name=value` or `--name value`, typed, unknown ones refused. */
import { messageOf } from '../api/error-message.ts'
import { parseDuration } from '../api/duration.ts'

export type FlagType = 'string' | 'int' | 'float' | 'bool' | 'duration' | 'list' | 'map'

interface FlagValue {
  string: string
  int: number
  float: number
  bool: boolean
  /** Milliseconds. */
  duration: number
  list: string[]
  map: Record<string, string>
}

export interface Flag<T extends FlagType = FlagType> {
  type: T
  description: string
  default?: FlagValue[T] | undefined
  required?: boolean
  /** Values that the flag may take. */
  choices?: readonly string[]
  /** The older spelling, taken as well. */
  alias?: string
}

export type Flags = Record<string, Flag>

/** One of the choices, where there are any. */
type Plain<F extends Flag> = F extends { choices: readonly (infer Choice)[] } ? Choice : FlagValue[F['type']]

type ValueOf<F extends Flag> = F extends { default: infer D }
  ? undefined extends D
    ? Plain<F> | undefined
    : Plain<F>
  : F extends { required: true }
    ? Plain<F>
    : Plain<F> | undefined

export type ParsedFlags<F extends Flags> = { [N in keyof F]: ValueOf<F[N]> }

/** Keeps the literal types, so that `parseFlags` knows which flags always have a value. */
export const defineFlags = <const F extends Flags>(flags: F): F => flags

/** A wrong command line: the message is for the user, no stack is. */
export class FlagError extends Error {
  override name = 'FlagError'
}

/** Thrown by `--help`: holds the text to print before a successful exit. */
export class HelpRequested extends Error {
  override name = 'HelpRequested'
}

export interface ParseResult<F extends Flags> {
  flags: ParsedFlags<F>
  /** Names that the command line gave, for components where flags win over a configuration file. */
  given: ReadonlySet<string>
  /** What is left after the flags. */
  args: string[]
}

export function parseFlags<const F extends Flags>(
  flags: F,
  argv: readonly string[],
  command: string = 'command',
): ParseResult<F> {
  const values: Record<string, unknown> = {}
  const given = new Set<string>()
  const args: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!
    if (word === '--') {
      args.push(...argv.slice(index + 1))
      break
    }
    if (word === '-h' || word === '--help') throw new HelpRequested(describeFlags(flags, command))
    if (!word.startsWith('--')) {
      args.push(word)
      continue
    }
    const { name, flag, inline } = findFlag(flags, word)
    // As in upstream, a bare bool is true and never takes the next word.
    const text = inline ?? (flag.type === 'bool' ? 'true' : argv[++index])
    if (text === undefined) throw new FlagError(`flag needs an argument: --${name}`)
    values[name] = merge(values[name], parseValue(name, flag, text))
    given.add(name)
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (given.has(name)) continue
    if (flag.required) throw new FlagError(`required flag "--${name}" not set`)
    values[name] = flag.default
  }
  return { flags: values as ParsedFlags<F>, given, args }
}

function findFlag(flags: Flags, word: string): { name: string; flag: Flag; inline: string | undefined } {
  const equals = word.indexOf('=')
  const spelled = (equals < 0 ? word.slice(2) : word.slice(2, equals)).replaceAll('_', '-')
  const inline = equals < 0 ? undefined : word.slice(equals + 1)
  const found = Object.entries(flags).find(([name, flag]) => name === spelled || flag.alias === spelled)
  if (!found) throw new FlagError(`unknown flag: --${spelled}`)
  return { name: found[0], flag: found[1], inline }
}

/** Lists and maps add up when they are given more than once; anything else is replaced. */
function merge(before: unknown, value: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value]
  if (before && value && typeof before === 'object' && typeof value === 'object') return { ...before, ...value }
  return value
}

function parseValue(name: string, flag: Flag, text: string): unknown {
  const refuse = (why: string) => new FlagError(`invalid argument ${JSON.stringify(text)} for "--${name}" flag: ${why}`)
  if (flag.choices && !flag.choices.includes(text)) throw refuse(`must be one of ${flag.choices.join(', ')}`)
  switch (flag.type) {
    case 'string':
      return text
    case 'int':
      if (!/^[+-]?\d+$/.test(text)) throw refuse('must be a whole number')
      return Number(text)
    case 'float':
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw refuse('must be a number')
      return Number(text)
    case 'bool':
      if (/^(true|t|1)$/i.test(text)) return true
      if (/^(false|f|0)$/i.test(text)) return false
      throw refuse('must be true or false')
    case 'duration': {
      try {
        return parseDuration(text)
      } catch (error) {
        throw refuse(messageOf(error))
      }
    }
    case 'list':
      return text === '' ? [] : text.split(',')
    case 'map':
      return parseMap(text, refuse)
  }
}

function parseMap(text: string, refuse: (why: string) => FlagError): Record<string, string> {
  const map: Record<string, string> = {}
  for (const pair of text === '' ? [] : text.split(',')) {
    const equals = pair.indexOf('=')
    if (equals <= 0) throw refuse('must be key=value pairs separated by commas')
    map[pair.slice(0, equals).trim()] = pair.slice(equals + 1)
  }
  return map
}

function describeFlags(flags: Flags, command: string): string {
  const lines = Object.entries(flags)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const shown = flag.default === undefined || flag.default === '' ? '' : ` (default ${showDefault(flag.default)})`
      return `      --${name} ${flag.type === 'bool' ? '' : flag.type}`.padEnd(44) + ` ${flag.description}${shown}`
    })
  return `Usage:\n  ${command} [flags]\n\nFlags:\n${lines.join('\n')}\n`
}

const showDefault = (value: unknown): string =>
  Array.isArray(value) ? `[${value.join(',')}]` : typeof value === 'object' ? JSON.stringify(value) : String(value)
