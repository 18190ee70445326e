/** `kubelab run`: a pod from an image; with `-i` its streams are ours, with `--rm` it is gone after. */
import { parseDuration } from '../../api/duration.ts'
import type { Pod } from '../../api/generated/types.ts'
import type { Json, JsonObject } from '../../api/json.ts'
import { collect, collectList } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { followLog } from '../streams/copy-log.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError } from '../errors.ts'
import type { KubeJson } from '../arguments/manifests.ts'
import { applyLocally, parsePatch, type PatchKind } from '../writes/read-patch.ts'
import { pathOf } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'
import { isOver, isRunningAndReady, watchPod, type PodName } from '../watch-pod.ts'
import { attachOrLog } from './attach.ts'
import { newObject } from './create/generator.ts'

export interface RunOptions extends WriteOptions {
  image?: string
  command?: boolean
  env?: string[]
  labels?: string
  annotations?: string[]
  port?: string
  restart: string
  imagePullPolicy?: string
  privileged?: boolean
  overrides?: string
  overrideType: string
  expose?: boolean
  attach?: boolean
  stdin?: boolean
  tty?: boolean
  leaveStdinOpen?: boolean
  rm?: boolean
  quiet?: boolean
  podRunningTimeout: string
}

export const run: CliCommand = (program, open) => {
  withWriteOptions(program.command('run <name> [args...]'))
    .description('Run an image as a pod: run web --image=web:1; run -it --rm shell --image=busybox --restart=Never')
    .option('--image <image>', 'the image')
    .option('--command', 'what follows is the command itself, not its arguments')
    .option('--env <name=value>', 'an environment variable; may be repeated', collect)
    .option('-l, --labels <labels>', 'labels of the pod: app=web,tier=front')
    .option('--annotations <key=value>', 'annotations of the pod', collectList)
    .option('--port <port>', 'port that the container serves')
    .option('--expose', 'with --port: make a service for it')
    .option('--restart <policy>', 'Always, OnFailure or Never', 'Always')
    .option('--image-pull-policy <policy>', 'Always, IfNotPresent or Never')
    .option('--privileged', 'run the container with all privileges')
    .option('--overrides <patch>', 'JSON laid over the object that is made')
    .option('--override-type <type>', 'merge, json or strategic', 'merge')
    .option('--attach', 'wait until it runs, then show what it writes')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'on a terminal')
    .option('--leave-stdin-open', 'keep standard input open when we leave')
    .option('--rm', 'delete the pod after it')
    .option('-q, --quiet', 'only what the container writes')
    .option('--pod-running-timeout <duration>', 'how long to wait for it to run', '1m0s')
    .action(async (name: string, args: string[], options: RunOptions) => {
      const attached = options.attach ?? options.stdin ?? false
      check(options, attached)
      const session = await open()
      await runPod(session, await withOverrides(session, podOf(name, args, options), options), options, attached)
    })
}

const HINT = "\nSee 'kubelab run -h' for help and examples"

function check(options: RunOptions, attached: boolean): void {
  if (!options.image) throw new CliError('required flag(s) "image" not set')
  if (options.tty && !options.stdin) throw new CliError(`-i/--stdin is required for containers with -t/--tty=true${HINT}`)
  if (options.expose && options.port === undefined) throw new CliError('--port must be set when exposing a service')
  if (options.rm && !attached) throw new CliError(`--rm should only be used for attached containers${HINT}`)
  if (attached && dryRunOf(options) !== 'none')
    throw new CliError(
      `--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)${HINT}`,
    )
  if (!['Always', 'OnFailure', 'Never'].includes(options.restart))
    throw new CliError(`invalid restart policy: ${options.restart}${HINT}`)
}

/** Pure: the pod that the options describe. */
export function podOf(name: string, args: string[], options: RunOptions): KubeJson {
  const { image, env, port, imagePullPolicy, privileged, stdin, tty, leaveStdinOpen } = options
  const container: JsonObject = {
    ...(args.length > 0 && { [options.command ? 'command' : 'args']: args }),
    ...(env && { env: env.map(envOf) }),
    image: image!,
    ...(imagePullPolicy && { imagePullPolicy }),
    name,
    ...(port !== undefined && { ports: [{ containerPort: Number(port) }] }),
    resources: {},
    ...(privileged && { securityContext: { privileged } }),
    ...(stdin && { stdin }),
    ...(stdin && !leaveStdinOpen && { stdinOnce: true }),
    ...(tty && { tty }),
  }
  const object = newObject('v1', 'Pod', name, options.labels ? pairs(options.labels.split(',')) : { run: name })
  return {
    ...object,
    metadata: { ...object.metadata, ...(options.annotations && { annotations: pairs(options.annotations) }) },
    spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy: options.restart },
    status: {},
  }
}

function envOf(text: string): JsonObject {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new CliError(`invalid env: ${text}`)
  return { name: text.slice(0, equals), ...(equals + 1 < text.length && { value: text.slice(equals + 1) }) }
}

const pairs = (texts: readonly string[]): JsonObject =>
  Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals <= 0) throw new CliError(`unexpected label spec: ${text}`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )

async function withOverrides(session: Session, object: KubeJson, { overrides, overrideType }: RunOptions): Promise<KubeJson> {
  if (!overrides) return object
  const type = await session.types.find('pods')
  return (await applyLocally(object, parsePatch(overrides) as Json, overrideType as PatchKind, type)) as KubeJson
}

async function runPod(session: Session, object: KubeJson, options: RunOptions, attached: boolean): Promise<void> {
  const [pods, services] = [await session.types.find('pods'), await session.types.find('services')]
  const objects = [
    ...(options.expose ? [{ type: services, object: serviceOf(object, options.port!) }] : []),
    { type: pods, object },
  ]
  let created: JsonObject = object
  for (const [index, { type, object }] of objects.entries()) {
    if (index > 0 && options.output === 'yaml') session.print('---')
    const { namespace } = session
    const body = { ...object, metadata: { ...object.metadata, namespace } }
    const query = { fieldManager: 'kubectl-run', ...dryRunQuery(options) }
    created =
      dryRunOf(options) === 'client'
        ? session.isNamespaceGiven
          ? body
          : object
        : await session.client.raw<JsonObject>('POST', pathOf(type, { namespace }), { body, query })
    if (!attached) report(session, type, created, 'created', options)
  }
  if (!attached) return
  const { name } = created['metadata'] as { name: string }
  try {
    await followPod(session, { namespace: session.namespace, name }, options)
  } finally {
    if (options.rm) await remove(session, name, options)
  }
}

const serviceOf = ({ metadata }: KubeJson, port: string): KubeJson => ({
  ...newObject('v1', 'Service', String(metadata['name'])),
  spec: {
    ports: [{ port: Number(port), protocol: 'TCP', targetPort: Number(port) }],
    selector: metadata['labels'] as JsonObject,
  },
  status: { loadBalancer: {} },
})

/** Attaches once it runs; what ended before has its log shown. Rejects with the container's exit code. */
async function followPod(session: Session, name: PodName, options: RunOptions): Promise<void> {
  const pod = await watchPod(session, name, isRunningAndReady, parseDuration(options.podRunningTimeout))
  const container = pod.spec.containers[0]!.name
  if (isOver(pod)) await followLog(session, name, container)
  else await attachOrLog(session, pod, { ...options, container })
  // A pod that restarts for ever has no end to wait for.
  if (options.leaveStdinOpen || options.restart === 'Always') return
  const isDone = options.restart === 'Never' ? isOver : ({ status }: Pod) => status?.phase === 'Succeeded'
  throwIfFailed(await watchPod(session, name, isDone))
}

class PodFailed extends CliError {
  override readonly isPlain = true
}

function throwIfFailed({ metadata: { namespace, name }, status }: Pod): void {
  if (status?.phase !== 'Failed') return
  const terminated = status.containerStatuses?.[0]?.state?.terminated
  if (!terminated?.exitCode) throw new CliError(`pod ${namespace}/${name} failed with unknown exit code`)
  const { reason = '', message = '', exitCode } = terminated
  throw new PodFailed(`pod ${namespace}/${name} terminated (${reason})${message && `\n${message}`}`, exitCode)
}

async function remove(session: Session, name: string, { expose, quiet }: RunOptions): Promise<void> {
  const { namespace } = session
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }
  for (const resource of ['pod', ...(expose ? ['service'] : [])]) {
    await session.client.raw('DELETE', `/api/v1/namespaces/${namespace}/${resource}s/${name}`, { body })
    if (!quiet) session.print(`${resource} ${JSON.stringify(name)} deleted`)
  }
}
