/** `kubelab completion`: what a shell needs to finish command lines; the shell asks `kubelab __complete` for the words. */
import type { Command } from 'commander'
import { KINDS } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { complete } from '../arguments/completion-words.ts'
import { CliError } from '../errors.ts'
import { itemsOf } from '../printers/printer.ts'
import { pathOf } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

const BASH = `# bash completion for kubelab
_kubelab() {
  local words
  words=$("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "\${COMP_WORDS[COMP_CWORD]}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kubelab kubelab
`

const ZSH = `#compdef kubelab
_kubelab() {
  local -a found
  found=(\${(f)"$(\${words[1]} __complete -- "\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]}" 2>/dev/null)"})
  compadd -a found
}
compdef _kubelab kubelab
`

const SHELLS: Record<string, string> = { bash: BASH, zsh: ZSH }

export const completion: CliCommand = (program, open) => {
  program
    .command('completion <shell>')
    .description('Print what a shell needs to finish command lines: source <(kubelab completion bash)')
    .action((shell: string) => {
      const script = SHELLS[shell]
      if (!script) throw new CliError(`Unsupported shell type ${JSON.stringify(shell)}.`)
      process.stdout.write(script)
    })
  program
    .command('__complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const found = await wordsFor(program, words, open)
      if (found.length > 0) process.stdout.write(`${found.join('\n')}\n`)
    })
}

async function wordsFor(program: Command, words: string[], open: () => Promise<Session>): Promise<string[]> {
  const current = words.at(-1) ?? ''
  const types = KINDS.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames])
  const { words: known, namesOf, prefix = '' } = complete(program, words.slice(0, -1), current, types)
  if (namesOf === undefined) return known
  const at = words.findIndex((word) => word === '-n' || word === '--namespace')
  const names = await namesFor(await open(), namesOf, at < 0 ? undefined : words[at + 1])
  return [...known, ...names.map((name) => prefix + name).filter((name) => name.startsWith(current))]
}

async function namesFor({ client, types, namespace }: Session, typeName: string, given: string | undefined): Promise<string[]> {
  const type = await types.find(typeName)
  const path = pathOf(type, { namespace: given ?? namespace })
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json'
  const list = await client.raw<JsonObject>('GET', path, { accept })
  return itemsOf(list).map(({ metadata }) => String((metadata as JsonObject)['name']))
}
