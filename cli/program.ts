/** The command line as a whole: global options, then every command of the list. */
import { Command } from 'commander'
import { COMMANDS } from './commands.ts'
import { openSession, VERSION, type GlobalOptions, type Session } from './session.ts'

export interface Program {
  run(args: readonly string[]): Promise<void>
  close(): Promise<void>
}

export function createProgram(): Program {
  const program = new Command('kubelab')
    .description('A Kubernetes cluster on this machine, and what to say to one')
    .version(VERSION)
    .option('--kubeconfig <file>', 'the kubeconfig file to use, and no other')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('--cluster <name>', 'the cluster of the kubeconfig to use')
    .option('--user <name>', 'the user of the kubeconfig to be')
    .option('-s, --server <url>', 'address of the API server')
    .option('-n, --namespace <name>', 'the namespace to work in')
    .showSuggestionAfterError()

  let session: Promise<Session> | undefined
  const open = () => (session ??= openSession(program.opts<GlobalOptions>()))
  for (const command of COMMANDS) command(program, open)
  return {
    run: async (args) => {
      await program.parseAsync([...args], { from: 'user' })
    },
    // A session that could not be opened was told of by whoever asked for it.
    close: async () => (await session?.catch(() => undefined))?.close(),
  }
}
