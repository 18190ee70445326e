/** What may come next on a command line: verbs, options, types, and names that the server knows. */
import type { Command } from 'commander'

export interface Completion {
  /** The words that fit, without what only the server knows. */
  words: string[]
  /** Ask the server for names of this type as well. */
  namesOf?: string
  /** What every answer begins with: `pod/`. */
  prefix?: string
}

/** Verbs whose arguments are a type and then names. */
const OBJECT_VERBS = new Set([
  'get',
  'describe',
  'delete',
  'edit',
  'patch',
  'label',
  'annotate',
  'scale',
  'expose',
  'autoscale',
  'wait',
])
/** Verbs whose first argument is a pod. */
const POD_VERBS = new Set(['logs', 'exec', 'attach', 'port-forward', 'debug', 'why', 'cp'])
const NODE_VERBS = new Set(['cordon', 'uncordon', 'drain'])

/** `typed` is what stands before the word that is being written. Pure. */
export function complete(program: Command, typed: readonly string[], current: string, types: readonly string[]): Completion {
  let command = program
  const args: string[] = []
  for (const word of typed) {
    if (word.startsWith('-')) continue
    const next: Command | undefined =
      args.length === 0 ? command.commands.find((each) => each.name() === word || each.aliases().includes(word)) : undefined
    if (next) command = next
    else args.push(word)
  }
  if (current.startsWith('-')) return { words: fitting(optionsOf(command), current) }
  const subcommands = args.length === 0 ? command.commands.map((each) => each.name()) : []
  return {
    ...argumentsOf(command, args, current, types),
    words: fitting([...subcommands, ...typeWords(command, args, types)], current),
  }
}

const fitting = (words: string[], current: string) => [...new Set(words)].filter((word) => word.startsWith(current))

function optionsOf(command: Command): string[] {
  const words: string[] = []
  for (let each: Command | null = command; each; each = each.parent)
    words.push(...each.options.flatMap(({ long }) => (long ? [long] : [])))
  return words.toSorted()
}

function typeWords(command: Command, args: readonly string[], types: readonly string[]): string[] {
  if (OBJECT_VERBS.has(command.name()) || command.name() === 'explain') return args.length === 0 ? [...types] : []
  return command.parent?.name() === 'rollout' && args.length === 0 ? ['deployment', 'daemonset', 'statefulset'] : []
}

function argumentsOf(command: Command, args: readonly string[], current: string, types: readonly string[]): Partial<Completion> {
  const verb = command.name()
  const [typed, slash] = current.split('/')
  if (slash !== undefined && types.includes(typed!)) return { namesOf: typed!, prefix: `${typed}/` }
  const [first] = args
  const isRollout = command.parent?.name() === 'rollout'
  if ((OBJECT_VERBS.has(verb) || isRollout) && first !== undefined && !first.includes('/')) return { namesOf: first }
  if (POD_VERBS.has(verb) && first === undefined) return { namesOf: 'pods' }
  return NODE_VERBS.has(verb) ? { namesOf: 'nodes' } : {}
}
