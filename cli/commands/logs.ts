/** `kubelab logs`: what containers wrote. */
import { parseDuration } from '../../api/duration.ts'
import type { Pod } from '../../api/generated/types.ts'
import { withQuery } from '../../client/paths.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { writeOut } from '../streams/copy-log.ts'
import { chooseContainer, findPods, podsOf } from '../arguments/find-pods.ts'
import { openBody } from '../streams/open-stream.ts'
import type { Session } from '../session.ts'

interface LogOptions {
  container?: string
  follow?: boolean
  previous?: boolean
  tail?: string
  since?: string
  sinceTime?: string
  timestamps?: boolean
  allContainers?: boolean
  prefix?: boolean
  limitBytes?: string
  selector?: string
}

export const logs: CliCommand = (program, open) => {
  program
    .command('logs [pod] [container]')
    .description('Show what a container wrote: logs web, logs -f deploy/web -c app')
    .option('-c, --container <name>', 'which container')
    .option('-f, --follow', 'go on showing')
    .option('-p, --previous', 'of the container before its last restart')
    .option('--tail <lines>', 'how many of the last lines; -1 for all')
    .option('--since <duration>', 'not older than this: 5m')
    .option('--since-time <time>', 'not before this time (RFC 3339)')
    .option('--timestamps', 'the time before each line')
    .option('--all-containers', 'of every container of the pod')
    .option('--prefix', 'the source before each line')
    .option('--limit-bytes <bytes>', 'no more than this')
    .option('-l, --selector <labels>', 'of every pod with these labels')
    .action(async (name: string | undefined, container: string | undefined, options: LogOptions) => {
      const session = await open()
      if (name === undefined && !options.selector)
        throw new CliError(
          "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        )
      const pods = options.selector ? await podsOf(session, options.selector) : await onePod(session, name!)
      await Promise.all(
        sourcesOf(session, pods, { ...options, ...(container !== undefined && { container }) }).map((source) =>
          copyLog(session, source, options),
        ),
      )
    })
}

async function onePod(session: Session, name: string): Promise<Pod[]> {
  const pods = await findPods(session, name)
  if (pods.length > 1) session.note(`Found ${pods.length} pods, using pod/${pods[0]!.metadata.name}`)
  return pods.slice(0, 1)
}

interface Source {
  pod: Pod
  container: string
}

function sourcesOf(session: Session, pods: Pod[], options: LogOptions): Source[] {
  return pods.flatMap((pod) => {
    if (!options.allContainers) return [{ pod, container: chooseContainer(session, pod, options.container) }]
    return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => ({ pod, container: name }))
  })
}

async function copyLog({ config }: Session, { pod, container }: Source, options: LogOptions): Promise<void> {
  const { name, namespace = '' } = pod.metadata
  const tail = options.tail ?? (options.selector ? '10' : undefined)
  const path = withQuery(`/api/v1/namespaces/${namespace}/pods/${name}/log`, {
    container,
    follow: options.follow,
    previous: options.previous,
    timestamps: options.timestamps,
    tailLines: tail === '-1' ? undefined : tail,
    sinceSeconds: options.since === undefined ? undefined : Math.ceil(parseDuration(options.since) / 1000),
    sinceTime: options.sinceTime,
    limitBytes: options.limitBytes,
  })
  const body = await openBody(config, path)
  const prefix = options.prefix ? `[pod/${name}/${container}] ` : ''
  if (!prefix) {
    for await (const chunk of body) await writeOut(chunk)
    return
  }
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) await writeOut(`${prefix}${line}\n`)
  }
  if (rest) await writeOut(prefix + rest)
}
