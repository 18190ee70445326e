/** `kubelab rollout`: follow, list, take back and repeat the changes of a workload's pods. */
import type { Command } from 'commander'
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  PodTemplateSpec,
  ReplicaSet,
  StatefulSet,
} from '../../api/generated/types.ts'
import { parseDuration } from '../../api/duration.ts'
import { deepEqual } from '../../api/json.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import { isControlledBy } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { parseReferences, type ObjectReference } from '../arguments/object-arguments.ts'
import { pathOf, qualifiedPlural, qualifiedSingular } from '../arguments/resource-types.ts'
import { daemonSetStatus, deploymentStatus, statefulSetStatus, type RolloutStatus } from '../decisions/rollout-status.ts'
import type { Session } from '../session.ts'
import { alignTabs } from '../printers/tabwriter.ts'

type Workload = Deployment | DaemonSet | StatefulSet
type Run = (session: Session, reference: ObjectReference, options: RolloutOptions) => Promise<void>

interface RolloutOptions {
  toRevision?: string
  revision?: string
  watch?: string
  timeout?: string
}

export const rollout: CliCommand = (program, open) => {
  const command = program.command('rollout').description('Follow and steer changes of workloads: rollout status deploy/web')
  const verb = (name: string, description: string, run: Run): Command =>
    command
      .command(`${name} <args...>`)
      .description(description)
      .action(async (args: string[], options: RolloutOptions) => {
        const session = await open()
        for (const reference of await parseReferences(args, session.types)) await run(session, reference, options)
      })
  verb('status', 'Wait until the change is everywhere', showStatus)
    .option('-w, --watch [bool]', 'wait until it is done', 'true')
    .option('--timeout <duration>', 'how long to wait; 0s for ever', '0s')
  verb('history', 'List the revisions', showHistory).option('--revision <number>', 'show this one whole')
  verb('undo', 'Go back to an earlier revision', undo).option('--to-revision <number>', 'to this one; default the one before')
  verb('restart', 'Replace every pod', restart)
  verb('pause', 'Hold changes back', (session, reference) => setPaused(session, reference, true))
  verb('resume', 'Let changes through again', (session, reference) => setPaused(session, reference, false))
}

const readWorkload = (session: Session, { type, name }: ObjectReference) =>
  session.client.raw<Workload>('GET', pathOf(type, { namespace: session.namespace, name }))

function statusOf(workload: Workload, { type }: ObjectReference): RolloutStatus {
  switch (type.kind) {
    case 'Deployment':
      return deploymentStatus(workload as Deployment)
    case 'DaemonSet':
      return daemonSetStatus(workload as DaemonSet)
    case 'StatefulSet':
      return statefulSetStatus(workload as StatefulSet)
    default:
      throw new CliError(`no status viewer has been implemented for ${type.kind}.${type.group}`)
  }
}

async function showStatus(
  session: Session,
  reference: ObjectReference,
  { watch = 'true', timeout = '0s' }: RolloutOptions,
): Promise<void> {
  const limit = parseDuration(timeout)
  const signal = limit > 0 ? AbortSignal.timeout(limit) : undefined
  try {
    await followStatus(session, reference, watch !== 'false', signal)
  } catch (error) {
    throw signal?.aborted ? new CliError('timed out waiting for the condition') : error
  }
}

async function followStatus(
  session: Session,
  reference: ObjectReference,
  follow: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  let last = ''
  const isOver = (workload: Workload): boolean => {
    const { message, done, failed } = statusOf(workload, reference)
    if (failed) throw new CliError(message)
    if (message !== last) session.print(message)
    last = message
    return done || !follow
  }
  const path = pathOf(reference.type, { namespace: session.namespace })
  for (;;) {
    const workload = await readWorkload(session, reference)
    if (isOver(workload)) return
    const query = { fieldSelector: `metadata.name=${reference.name}`, resourceVersion: workload.metadata.resourceVersion ?? '' }
    for await (const { type, object } of session.client.watchPath<Workload>(path, { query, ...(signal && { signal }) })) {
      if (type === 'DELETED') throw new CliError('object has been deleted')
      if (type === 'ERROR') break
      if (type !== 'BOOKMARK' && isOver(object)) return
    }
  }
}

const REVISION = 'deployment.kubernetes.io/revision'
const CHANGE_CAUSE = 'kubernetes.io/change-cause'

interface Revision {
  number: number
  cause: string
  template: PodTemplateSpec
}

/** The oldest first. Deployments keep theirs in replica sets, the others in controller revisions. */
async function revisionsOf(session: Session, reference: ObjectReference, workload: Workload): Promise<Revision[]> {
  const selector = formatLabelSelector(workload.spec.selector)
  const options = { namespace: session.namespace, labelSelector: selector }
  if (reference.type.kind === 'Deployment') {
    const { items } = await session.client.list('ReplicaSet', options)
    return items
      .filter((set) => isControlledBy(set, workload))
      .map(revisionOfReplicaSet)
      .toSorted(byNumber)
  }
  const { items } = await session.client.list('ControllerRevision', options)
  return items
    .filter((revision) => isControlledBy(revision, workload))
    .map(revisionOfController)
    .toSorted(byNumber)
}

const byNumber = (a: Revision, b: Revision) => a.number - b.number

const revisionOfReplicaSet = ({ metadata, spec }: ReplicaSet): Revision => ({
  number: Number(metadata.annotations?.[REVISION] ?? 0),
  cause: metadata.annotations?.[CHANGE_CAUSE] || '<none>',
  template: withoutHash(spec.template!),
})

const revisionOfController = ({ metadata, revision, data }: ControllerRevision): Revision => ({
  number: revision,
  cause: metadata.annotations?.[CHANGE_CAUSE] || '<none>',
  template: withoutDirective((data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec.template),
})

/** Controller revisions hold their template as a patch that replaces the one there is. */
function withoutDirective(patch: PodTemplateSpec & { $patch?: string }): PodTemplateSpec {
  const { $patch: _, ...template } = patch
  return template
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { 'pod-template-hash': _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata!, labels } }
}

async function showHistory(session: Session, reference: ObjectReference, { revision }: RolloutOptions): Promise<void> {
  const { type, name } = reference
  const revisions = await revisionsOf(session, reference, await readWorkload(session, reference))
  if (revision !== undefined) {
    const found = revisions.find(({ number }) => number === Number(revision))
    if (!found) throw new CliError('unable to find the specified revision')
    const { describePodTemplate } = await import('../describe/pod-template.ts')
    const text = describePodTemplate(found.template).toString()
    return session.print(`${qualifiedSingular(type)}/${name} with revision #${found.number}\n${text}`)
  }
  if (revisions.length === 0) return session.print(`${qualifiedSingular(type)}/${name} \nNo rollout history found.`)
  const rows = revisions.map(({ number, cause }) => `${number}\t${cause}`)
  const table = alignTabs(['REVISION\tCHANGE-CAUSE', ...rows].join('\n'), { padding: 2 })
  return session.print(`${qualifiedSingular(type)}/${name} \n${table}\n`)
}

async function undo(session: Session, reference: ObjectReference, { toRevision = '0' }: RolloutOptions): Promise<void> {
  const { type, name } = reference
  const workload = await readWorkload(session, reference)
  const revisions = await revisionsOf(session, reference, workload)
  const wanted = Number(toRevision)
  const target = wanted === 0 ? revisions.at(-2) : revisions.find(({ number }) => number === wanted)
  if (!target) {
    if (wanted === 0) throw new CliError(`no rollout history found for ${type.kind.toLowerCase()} ${JSON.stringify(name)}`)
    throw new CliError(`unable to find specified revision ${wanted} in history`)
  }
  const title = `${qualifiedSingular(type)}/${name}`
  if (deepEqual(target.template, workload.spec.template)) {
    return session.print(`${title} skipped rollback (current template already matches revision ${target.number})`)
  }
  if ('paused' in workload.spec && workload.spec.paused) {
    throw new CliError(`cannot rollback a paused deployment; resume it first with 'kubelab rollout resume' and try again`)
  }
  await session.client.raw('PATCH', pathOf(type, { namespace: session.namespace, name }), {
    body: [{ op: 'replace', path: '/spec/template', value: target.template }],
    contentType: 'application/json-patch+json',
    query: { fieldManager: 'kubectl-rollout' },
  })
  return session.print(`${title} rolled back`)
}

async function restart(session: Session, { type, name }: ObjectReference): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': formatTime(new Date()) }
  await session.client.raw('PATCH', pathOf(type, { namespace: session.namespace, name }), {
    body: { spec: { template: { metadata: { annotations } } } },
    contentType: 'application/strategic-merge-patch+json',
    query: { fieldManager: 'kubectl-rollout' },
  })
  session.print(`${qualifiedSingular(type)}/${name} restarted`)
}

async function setPaused(session: Session, reference: ObjectReference, paused: boolean): Promise<void> {
  const { type, name } = reference
  if (type.kind !== 'Deployment')
    throw new CliError(`${qualifiedPlural(type)} ${JSON.stringify(name)} ${paused ? 'pausing' : 'resuming'} is not supported`)
  const { spec } = (await readWorkload(session, reference)) as Deployment
  if ((spec.paused ?? false) === paused)
    throw new CliError(`${qualifiedPlural(type)} ${JSON.stringify(name)} is ${paused ? 'already paused' : 'not paused'}`)
  await session.client.raw('PATCH', pathOf(type, { namespace: session.namespace, name }), {
    body: { spec: { paused } },
    contentType: 'application/strategic-merge-patch+json',
    query: { fieldManager: 'kubectl-rollout' },
  })
  session.print(`${qualifiedSingular(type)}/${name} ${paused ? 'paused' : 'resumed'}`)
}
