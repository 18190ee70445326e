/** `kubelab cordon`, `uncordon` and `drain`: take a node out of use, and back into it. */
import { parseDuration } from '../../api/duration.ts'
import type { Node, Pod } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import { isNotFound, isTooManyRequests } from '../../api/status.ts'
import type { Command } from 'commander'
import type { CliCommand } from '../commands.ts'
import { type DrainOptions, planDrain } from '../decisions/drain-plan.ts'
import { dryRunOf, dryRunQuery, dryRunSuffix } from '../writes/dry-run.ts'
import { CliError, describeError, SilentExit } from '../errors.ts'
import { findTargets, pathOfTarget, type Target } from '../arguments/find-targets.ts'
import type { Session } from '../session.ts'
import { waitUntilGone } from '../wait-until-gone.ts'

interface NodeOptions {
  selector?: string
  dryRun: string
}

interface DrainCommandOptions extends NodeOptions, DrainOptions {
  gracePeriod: string
  timeout: string
  podSelector?: string
  disableEviction?: boolean
}

const withNodes = (command: Command): Command =>
  command
    .option('-l, --selector <labels>', 'all nodes with these labels')
    .option('--dry-run <how>', 'client: send nothing; server: send, but keep nothing', 'none')

const cordonCommand =
  (verb: 'cordon' | 'uncordon', description: string): CliCommand =>
  (program, open) => {
    withNodes(program.command(`${verb} [nodes...]`))
      .description(`${description}: ${verb} node-1`)
      .action(async (names: string[], options: NodeOptions) => {
        const session = await open()
        await eachNode(session, await nodesOf(session, verb, names, options), (node) => setCordon(session, node, verb, options))
      })
  }

export const cordon = cordonCommand('cordon', 'Give a node no new pods')
export const uncordon = cordonCommand('uncordon', 'Let a node have new pods again')

export const drain: CliCommand = (program, open) => {
  withNodes(program.command('drain [nodes...]'))
    .description('Move the pods of a node away, as disruption budgets allow: drain node-1 --ignore-daemonsets')
    .option('--ignore-daemonsets', 'leave the pods of daemon sets')
    .option('--delete-emptydir-data', 'even pods whose local data is lost with them')
    .option('--force', 'even pods that nothing makes anew')
    .option('--grace-period <seconds>', 'how long pods may take to end; default what they say', '-1')
    .option('--timeout <duration>', 'how long to try; 0s for ever', '0s')
    .option('--pod-selector <labels>', 'only pods with these labels')
    .option('--disable-eviction', 'delete them, whatever disruption budgets say')
    .action(async (names: string[], options: DrainCommandOptions) => {
      const session = await open()
      const nodes = await nodesOf(session, 'drain', names, options)
      await eachNode(session, nodes, (node) => setCordon(session, node, 'cordon', options))
      await drainAll(session, nodes, options)
    })
}

async function nodesOf(session: Session, verb: string, names: string[], { selector }: NodeOptions): Promise<Target[]> {
  const hint = `\nSee 'kubelab ${verb} -h' for help and examples`
  if (names.length === 0 && !selector) throw new CliError(`USAGE: ${verb} NODE [flags]${hint}`)
  if (names.length > 0 && selector) throw new CliError(`cannot specify both a node name and a --selector option${hint}`)
  const bare = names.map((name) => name.replace(/^nodes?\//, ''))
  return findTargets(session, ['nodes', ...bare], selector ? { selector } : {})
}

/** One that fails does not hold back the rest. */
async function eachNode(session: Session, nodes: Target[], run: (node: Target) => Promise<void>): Promise<void> {
  let failed = false
  for (const node of nodes) {
    try {
      await run(node)
    } catch (error) {
      if (nodes.length === 1) throw error
      session.note(describeError(error))
      failed = true
    }
  }
  if (failed) throw new SilentExit('')
}

async function setCordon(session: Session, target: Target, verb: 'cordon' | 'uncordon', options: NodeOptions): Promise<void> {
  const path = pathOfTarget(target)
  const wanted = verb === 'cordon'
  const { spec } = await session.client.raw<Node>('GET', path)
  if ((spec?.unschedulable ?? false) === wanted)
    return session.print(`node/${target.name} already ${verb}ed${dryRunSuffix(options)}`)
  if (dryRunOf(options) !== 'client') {
    await session.client.raw('PATCH', path, {
      body: { spec: { unschedulable: wanted || null } },
      contentType: 'application/strategic-merge-patch+json',
      query: dryRunQuery(options),
    })
  }
  session.print(`node/${target.name} ${verb}ed${dryRunSuffix(options)}`)
}

async function drainAll(session: Session, nodes: Target[], options: DrainCommandOptions): Promise<void> {
  const pending = [...nodes]
  const failures: string[] = []
  for (const node of nodes) {
    const errors = await drainNode(session, node.name, options)
    if (errors.length === 0) {
      session.print(`node/${node.name} drained${dryRunSuffix(options)}`)
      pending.splice(pending.indexOf(node), 1)
      continue
    }
    failures.push(...errors)
    const told = errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`
    session.note(`error: unable to drain node ${JSON.stringify(node.name)} due to error: ${told}, continuing command...`)
  }
  if (failures.length === 0) return
  session.note(['There are pending nodes to be drained:', ...pending.map(({ name }) => ` ${name}`), ...failures].join('\n'))
  throw new SilentExit('')
}

/** Answers what stood in the way. */
async function drainNode(session: Session, node: string, options: DrainCommandOptions): Promise<string[]> {
  const query = { fieldSelector: `spec.nodeName=${node}`, ...(options.podSelector && { labelSelector: options.podSelector }) }
  const { items } = await session.client.raw<{ items: Pod[] }>('GET', '/api/v1/pods', { query })
  const { items: sets } = await session.client.list('DaemonSet')
  const uids = new Set(sets.map(({ metadata }) => metadata.uid))
  const existing = ({ metadata }: Pod) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) ?? false
  const { evict, errors, warning } = planDrain(items, options, existing)
  if (errors.length > 0) return errors
  if (warning) session.note(`Warning: ${warning}`)
  const results = await Promise.allSettled(evict.map((pod) => remove(session, pod, options)))
  return results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []))
}

/** What upstream waits before it asks again: a budget says no without saying until when. */
const RETRY_MS = 5_000

async function remove(session: Session, pod: Pod, options: DrainCommandOptions): Promise<void> {
  const { namespace = '', name, uid } = pod.metadata
  const verb = options.disableEviction ? 'deleting' : 'evicting'
  const timeoutMs = parseDuration(options.timeout)
  const deadline = timeoutMs > 0 ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY
  session.print(`${verb} pod ${namespace}/${name}${dryRunSuffix(options)}`)
  if (dryRunOf(options) === 'client') return
  while (!(await ask(session, pod, options))) {
    if (Date.now() + RETRY_MS > deadline)
      throw new CliError(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: global timeout reached: ${options.timeout}`,
      )
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    session.print(`${verb} pod ${namespace}/${name}`)
  }
  if (dryRunOf(options) === 'server') return
  const type = await session.types.find('pods')
  const left = deadline === Number.POSITIVE_INFINITY ? undefined : `${Math.max(1, deadline - Date.now())}ms`
  await waitUntilGone(session, { type, namespace, name, uid }, left)
  session.print(`pod/${name} ${options.disableEviction ? 'deleted' : 'evicted'}`)
}

/** False when a disruption budget does not allow it now. */
async function ask(
  session: Session,
  { metadata: { namespace = '', name } }: Pod,
  options: DrainCommandOptions,
): Promise<boolean> {
  const grace = Number(options.gracePeriod)
  const deleteOptions: JsonObject = {
    ...(grace >= 0 && { gracePeriodSeconds: grace }),
    ...(dryRunOf(options) === 'server' && { dryRun: ['All'] }),
  }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`
  try {
    if (options.disableEviction) {
      await session.client.raw('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions } })
    } else {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions }
      await session.client.raw('POST', `${path}/eviction`, { body })
    }
    return true
  } catch (error) {
    if (isNotFound(error)) return true
    const told = `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}`
    if (!isTooManyRequests(error)) throw new CliError(`${told}: ${(error as Error).message}`)
    session.note(`${told} (will retry after 5s): ${(error as Error).message}`)
    return false
  }
}
