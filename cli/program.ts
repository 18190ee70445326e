/** The command line as a whole: global options, then every command of the list. */
import { Command } from 'commander'
import { normalizeArguments } from './arguments/command-line.ts'
import { COMMAND_GROUPS } from './commands.ts'
import { openSession, VERSION, type GlobalOptions, type Session } from './session.ts'

export interface Program {
  run(args: readonly string[]): Promise<void>
  close(): Promise<void>
}

export function createProgram(): Program {
  const program = withGlobalOptions(new Command('kubelab'))
    .description('A Kubernetes cluster on this machine, and the commands of kubectl for any cluster')
    .version(VERSION)
    // An option after a verb is the verb's own where it has one of that name; `normalizeArguments` puts the others first.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .helpCommand(false)

  let session: Promise<Session> | undefined
  const open = () => (session ??= openSession(program.opts<GlobalOptions>()))
  for (const { heading, commands } of COMMAND_GROUPS) {
    program.commandsGroup(`${heading}:`)
    for (const command of commands) command(program, open)
  }
  program.commandsGroup('Other Commands:')
  program
    .command('options')
    .description('Show the options that every command takes')
    .action(() => {
      process.stdout.write(optionsText(program))
    })
  shapeHelp(program)
  return {
    run: async (args) => {
      await program.parseAsync(normalizeArguments(program, args), { from: 'user' })
    },
    // A session that could not be opened was told of by whoever asked for it.
    close: async () => (await session?.catch(() => undefined))?.close(),
  }
}

function withGlobalOptions(program: Command): Command {
  return program
    .option('--kubeconfig <file>', 'the kubeconfig file to use, and no other')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('--cluster <name>', 'the cluster of the kubeconfig to use')
    .option('--user <name>', 'the user of the kubeconfig to be')
    .option('-s, --server <url>', 'address of the API server')
    .option('-n, --namespace <name>', 'the namespace to work in')
    .option('--token <token>', 'the bearer token to be known by')
    .option('--as <user>', 'act as this user')
    .option('--as-group <group>', 'act as a member of this group; may be repeated', (group, all: string[] = []) => [
      ...all,
      group,
    ])
    .option('--as-uid <uid>', 'act as the user of this UID')
    .option('--request-timeout <time>', 'give a request up after this time, as 30s or 2m; 0: never')
    .option('--insecure-skip-tls-verify', 'believe any certificate of the server')
}

/** The first page shows verbs alone, in their groups; a verb's own page has its options. */
function shapeHelp(program: Command): void {
  program.configureHelp({
    subcommandTerm: (command) => command.name(),
    // Examples follow a colon: they are for the verb's own page.
    subcommandDescription: (command) => command.summary() || command.description().split(/[:;] /)[0]!,
    visibleOptions: (command) => (command === program ? [] : command.options.filter(({ hidden }) => !hidden)),
    commandUsage: (command) => (command === program ? 'kubelab <command> [options]' : usageOf(command)),
  })
  program.addHelpText(
    'after',
    '\nUse "kubelab <command> --help" for more about a command, "kubelab options" for the options that all commands take.',
  )
}

function usageOf(command: Command): string {
  const names: string[] = []
  for (let each: Command | null = command; each; each = each.parent) names.unshift(each.name())
  return [...names, command.usage()].join(' ')
}

function optionsText(program: Command): string {
  const width = Math.max(...program.options.map(({ flags }) => flags.length))
  const lines = program.options.map(({ flags, description }) => `  ${flags.padEnd(width)}  ${description}\n`)
  return `These options can be given to every command:\n\n${lines.join('')}`
}
