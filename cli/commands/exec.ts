/** `kubelab exec`: run a command in a container. */
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { chooseContainer, findPods } from '../arguments/find-pods.ts'
import { runPodStream, terminalWanted } from '../streams/pod-stream.ts'

interface ExecOptions {
  container?: string
  stdin?: boolean
  tty?: boolean
  quiet?: boolean
}

export const exec: CliCommand = (program, open) => {
  program
    .command('exec <pod> [command...]')
    .description('Run a command in a container: exec -it web -- sh')
    .option('-c, --container <name>', 'which container')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'on a terminal')
    .option('-q, --quiet', 'only what the command writes')
    .action(async (name: string, command: string[], { stdin = false, ...options }: ExecOptions) => {
      if (command.length === 0) throw new CliError('you must specify at least one command for the container')
      const session = await open()
      const [pod] = await findPods(session, name)
      const { phase } = pod!.status ?? {}
      if (phase === 'Succeeded' || phase === 'Failed') {
        throw new CliError(`cannot exec into a container in a completed pod; current phase is ${phase}`)
      }
      const container = chooseContainer(options.quiet ? { ...session, note: () => {} } : session, pod!, options.container)
      const tty = terminalWanted(session, options.tty)
      await runPodStream(session, pod!, { verb: 'exec', container, command, stdin, tty })
    })
}
