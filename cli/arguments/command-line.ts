/** Reads a command line as kubectl's flags do, and says the same in the words that commander understands. */
import type { Command, Option } from 'commander'

/**
 * `--all=true`, `-n=shop`, `--wait` that takes no word after it, and global options wherever they stand, which are put first.
 * A command's own option hides the global one of the same name: `create rolebinding --user`.
 */
export function normalizeArguments(program: Command, args: readonly string[]): string[] {
  const globals: string[] = []
  const rest: string[] = []
  let command = program
  let atCommand = true
  const words = [...args]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') return [...globals, ...rest, word, ...words]
    if (word.startsWith('-') && word.length > 1) {
      const { holder, text } = readOption(command, word, words)
      ;(holder === program ? globals : rest).push(...text)
      continue
    }
    const next: Command | undefined = atCommand ? subcommandOf(command, word) : undefined
    if (next) command = next
    else atCommand = false
    rest.push(word)
  }
  return [...globals, ...rest]
}

const subcommandOf = (command: Command, name: string) =>
  command.commands.find((candidate) => candidate.name() === name || candidate.aliases().includes(name))

interface Found {
  option: Option
  holder: Command
}

/** The nearest command that knows the option: the one that runs, the one it belongs to, the program. */
function findOption(command: Command, matches: (option: Option) => boolean): Found | undefined {
  for (let holder: Command | null = command; holder; holder = holder.parent) {
    const option = holder.options.find(matches)
    if (option) return { option, holder }
  }
  return undefined
}

interface Read {
  holder: Command | undefined
  text: string[]
}

function readOption(command: Command, word: string, following: string[]): Read {
  if (!word.startsWith('--')) return readShorts(command, word, following)
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const value = equals < 0 ? undefined : word.slice(equals + 1)
  const found = findOption(command, ({ long }) => long === name)
  if (!found) return { holder: undefined, text: [word] }
  const { option, holder } = found
  if (option.required) {
    const given = value ?? following.shift()
    if (given === undefined) return { holder, text: [name] }
    return { holder, text: option.variadic ? [name, given] : [`${name}=${given}`] }
  }
  if (option.optional) return { holder, text: [`${name}=${value ?? String(option.presetArg ?? 'true')}`] }
  return { holder, text: isFalse(value) ? [] : isTrue(value) ? [name] : [word] }
}

const isTrue = (value: string | undefined) => value === undefined || ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)
const isFalse = (value: string | undefined) => value !== undefined && ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)

/** `-it`, `-nshop`, `-n=shop`, `-itc app` */
function readShorts(command: Command, word: string, following: string[]): Read {
  const text: string[] = []
  let holder: Command | undefined
  for (let index = 1; index < word.length; index++) {
    const short = `-${word[index]}`
    const found = findOption(command, (option) => option.short === short)
    if (!found) return { holder, text: [...text, `-${word.slice(index)}`] }
    holder = found.holder
    if (!found.option.required && !found.option.optional) {
      text.push(short)
      continue
    }
    const attached = word.slice(index + 1).replace(/^=/, '')
    const value = index + 1 < word.length ? attached : following.shift()
    text.push(short, ...(value === undefined ? [] : [value]))
    break
  }
  return { holder, text }
}
