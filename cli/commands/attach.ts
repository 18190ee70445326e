/** `kubelab attach`: join the streams of the process that a container runs already. */
import type { Pod } from '../../api/generated/types.ts'
import type { CliCommand } from '../commands.ts'
import { followLog } from '../streams/copy-log.ts'
import { CliError } from '../errors.ts'
import { CommandFailed } from '../streams/exec-channels.ts'
import { chooseContainer, findPods } from '../arguments/find-pods.ts'
import { runPodStream, terminalWanted } from '../streams/pod-stream.ts'
import type { Session } from '../session.ts'

export interface AttachOptions {
  container?: string
  stdin?: boolean
  tty?: boolean
  quiet?: boolean
}

export const attach: CliCommand = (program, open) => {
  program
    .command('attach [pod]')
    .description('Join the process that a container runs: attach -it shell')
    .option('-c, --container <name>', 'which container')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'on a terminal')
    .option('-q, --quiet', 'only what the process writes')
    .action(async (name: string | undefined, options: AttachOptions) => {
      if (name === undefined) throw new CliError('at least 1 argument is required for attach')
      const session = await open()
      const [pod] = await findPods(session, name)
      const { phase } = pod!.status ?? {}
      if (phase === 'Succeeded' || phase === 'Failed') {
        throw new CliError(`cannot attach a container in a completed pod; current phase is ${phase}`)
      }
      await attachTo(session, pod!, options)
    })
}

async function attachTo(session: Session, pod: Pod, options: AttachOptions): Promise<void> {
  const container = chooseContainer(options.quiet ? { ...session, note: () => {} } : session, pod, options.container)
  const { spec } = pod
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  const { tty: hasTty = false } = all.find(({ name }) => name === container)!
  if (options.tty && !hasTty && !options.quiet) {
    session.note(`error: Unable to use a TTY - container ${container} did not allocate one`)
  }
  // A container with a terminal writes both streams to it: there is no other to ask for.
  const tty = options.tty === true && hasTty && terminalWanted(session, options.tty)
  if (!options.quiet) session.note("If you don't see a command prompt, try pressing enter.")
  await runPodStream(
    session,
    pod,
    { verb: 'attach', container, stdin: options.stdin ?? false, tty: tty || hasTty },
    tty ? {} : { terminal: undefined },
  )
}

/** What ended before we came has left its log. */
export async function attachOrLog(session: Session, pod: Pod, options: AttachOptions & { container: string }): Promise<void> {
  const { namespace = '', name } = pod.metadata
  try {
    await attachTo(session, pod, options)
  } catch (error) {
    if (error instanceof CommandFailed) throw error
    session.note(`warning: couldn't attach to pod/${name}, falling back to streaming logs: ${(error as Error).message}`)
    await followLog(session, { namespace, name }, options.container)
  }
}
