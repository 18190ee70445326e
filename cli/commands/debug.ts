/** `kubelab debug`: a container with tools beside those of a pod, or a pod on a node. */
import { randomBytes } from 'node:crypto'
import type { EphemeralContainer, Pod } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import { isNotFound } from '../../api/status.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { followLog } from '../streams/copy-log.ts'
import { CliError } from '../errors.ts'
import { findPods } from '../arguments/find-pods.ts'
import { parseReferences } from '../arguments/object-arguments.ts'
import type { Session } from '../session.ts'
import { isRunningAndReady, watchPod } from '../watch-pod.ts'
import { attachOrLog } from './attach.ts'

interface DebugOptions {
  image?: string
  container?: string
  target?: string
  stdin?: boolean
  tty?: boolean
  attach?: boolean
  env?: string[]
  imagePullPolicy?: string
  profile: string
  quiet?: boolean
}

export const debug: CliCommand = (program, open) => {
  program
    .command('debug <object> [command...]')
    .description(
      'Look into a pod with tools of your own: debug -it web --image=busybox --target=app; debug -it node/node-1 --image=busybox',
    )
    .option('--image <image>', 'image of the container')
    .option('-c, --container <name>', 'name of the container; default a new one')
    .option('--target <container>', 'share the processes of this container')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'on a terminal')
    .option('--attach', 'wait until it runs, then show what it writes')
    .option('--env <name=value>', 'an environment variable; may be repeated', collect)
    .option('--image-pull-policy <policy>', 'Always, IfNotPresent or Never')
    .option('--profile <name>', 'general, baseline, restricted, netadmin or sysadmin: what the container may do', 'general')
    .option('-q, --quiet', 'only what the container writes')
    .action(async (object: string, command: string[], options: DebugOptions) => {
      if (!options.image) throw new CliError('you must specify --image when not using --copy-to.')
      if (options.tty && !options.stdin) throw new CliError('-i/--stdin is required for containers with -t/--tty=true')
      if (!(options.profile in PROFILES)) throw new CliError(`unknown profile: ${options.profile}`)
      const session = await open()
      const [reference] = await parseReferences(object.includes('/') ? [object] : ['pod', object], session.types)
      if (reference!.type.kind === 'Node') await debugNode(session, reference!.name, command, options)
      else await debugPod(session, object, command, options)
    })
}

/** What each profile adds to the container's security context. */
const PROFILES: Record<string, JsonObject> = {
  legacy: {},
  general: { capabilities: { add: ['SYS_PTRACE'] } },
  baseline: {},
  restricted: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  netadmin: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
  sysadmin: { privileged: true },
}

const suffix = () => randomBytes(4).toString('hex').slice(0, 5)

/** Pure but for the name, which the caller chooses. */
function debugContainer(name: string, command: readonly string[], options: DebugOptions): EphemeralContainer {
  const securityContext = PROFILES[options.profile]!
  return {
    ...(command.length > 0 && { command: [...command] }),
    ...(options.env && { env: options.env.map(envOf) }),
    image: options.image!,
    ...(options.imagePullPolicy && { imagePullPolicy: options.imagePullPolicy }),
    name,
    ...(Object.keys(securityContext).length > 0 && { securityContext }),
    ...(options.stdin && { stdin: true }),
    ...(options.target && { targetContainerName: options.target }),
    terminationMessagePolicy: 'File',
    ...(options.tty && { tty: true }),
  } as EphemeralContainer
}

function envOf(text: string): { name: string; value: string } {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new CliError(`invalid env: ${text}`)
  return { name: text.slice(0, equals), value: text.slice(equals + 1) }
}

async function debugPod(session: Session, object: string, command: string[], options: DebugOptions): Promise<void> {
  const [pod] = await findPods(session, object)
  const { namespace = '', name } = pod!.metadata
  const container = options.container ?? `debugger-${suffix()}`
  if (options.target) {
    session.note(
      `Targeting container ${JSON.stringify(options.target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.`,
    )
  }
  if (!options.container && !options.quiet) session.print(`Defaulting debug container name to ${container}.`)
  const patch = { spec: { ephemeralContainers: [debugContainer(container, command, options)] } }
  await session.client
    .raw('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/ephemeralcontainers`, {
      body: patch,
      contentType: 'application/strategic-merge-patch+json',
    })
    .catch((error: unknown) => {
      throw isNotFound(error)
        ? new CliError(
            `ephemeral containers are disabled for this cluster (error from server: ${JSON.stringify((error as Error).message)}).`,
          )
        : error
    })
  if (!(options.attach ?? options.stdin)) return
  const state = ({ status }: Pod) => status?.ephemeralContainerStatuses?.find((each) => each.name === container)?.state
  const started = await watchPod(session, { namespace, name }, (each) => Boolean(state(each)?.running ?? state(each)?.terminated))
  if (state(started)?.terminated) await followLog(session, { namespace, name }, container)
  else await attachOrLog(session, started, { ...options, container })
}

async function debugNode(session: Session, node: string, command: string[], options: DebugOptions): Promise<void> {
  await session.client.get('Node', { name: node })
  const container = options.container ?? 'debugger'
  const name = `node-debugger-${node}-${suffix()}`
  if (!options.quiet) session.print(`Creating debugging pod ${name} with container ${container} on node ${node}.`)
  const { namespace } = session
  const pod = nodePod(
    name,
    node,
    debugContainer(container, command, { ...options, profile: options.profile === 'general' ? 'baseline' : options.profile }),
  )
  const created = await session.client.raw<Pod>('POST', `/api/v1/namespaces/${namespace}/pods`, { body: pod })
  if (!(options.attach ?? options.stdin)) return
  const ready = await watchPod(session, { namespace, name: created.metadata.name }, isRunningAndReady)
  if (ready.status?.phase === 'Running') await attachOrLog(session, ready, { ...options, container })
  else await followLog(session, { namespace, name }, container)
}

/** A pod with the node's namespaces and its disk under /host. */
function nodePod(name: string, node: string, container: EphemeralContainer): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
    spec: {
      containers: [{ ...container, volumeMounts: [{ mountPath: '/host', name: 'host-root' }] } as unknown as JsonObject],
      hostIPC: true,
      hostNetwork: true,
      hostPID: true,
      nodeName: node,
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
      volumes: [{ name: 'host-root', hostPath: { path: '/' } }],
    },
  }
}
