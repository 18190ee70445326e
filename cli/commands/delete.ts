/** `kubelab delete`: objects by name, label or file. Without arguments it deletes the lab itself. */
import type { Command } from 'commander'
import { isNotFound } from '../../api/status.ts'
import { DEFAULT_LAB, deleteLab } from '../../lab/commands.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, SilentExit } from '../errors.ts'
import type { JsonObject } from '../../api/json.ts'
import { findTargets, type Target, type TargetOptions } from '../arguments/find-targets.ts'
import { pathOf, qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

interface DeleteOptions extends TargetOptions {
  lab: string
  wait: string
  now?: boolean
  force?: boolean
  gracePeriod?: string
  cascade: string
  ignoreNotFound?: boolean
  timeout?: string
  output?: string
  dryRun?: string
}

export const deleteObjects: CliCommand = (program, open) => {
  program
    .command('delete [type] [names...]')
    .description('Delete objects: delete pod web, delete -f web.yaml; without arguments, the lab and all that it left')
    .option('--lab <name>', 'without arguments: the name of the lab', DEFAULT_LAB)
    .option('-f, --filename <file>', 'file, folder, or - for standard input', collect)
    .option('-R, --recursive', 'folders within folders as well')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--field-selector <fields>', 'all objects with these fields')
    .option('--all', 'all objects of the type')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--wait [bool]', 'until they are gone', 'true')
    .option('--now', 'give them one second')
    .option('--force', 'do not wait for their nodes')
    .option('--grace-period <seconds>', 'how long they may take to end')
    .option('--cascade <how>', 'background, foreground or orphan', 'background')
    .option('--ignore-not-found', 'what does not exist is no error')
    .option('--timeout <duration>', 'how long to wait')
    .option('-o, --output <format>', 'name')
    .option('--dry-run <how>', 'client, server or none', 'none')
    .action(async (type: string | undefined, names: string[], options: DeleteOptions, command: Command) => {
      if (type === undefined && !options.filename) {
        if (!isAboutTheLab(command)) throw new CliError('at least one resource must be specified to use a selector')
        return deleteLab(options.lab)
      }
      const session = await open()
      const targets = await findTargets(session, type === undefined ? [] : [type, ...names], options)
      if (targets.length === 0) return session.print('No resources found')
      if (options.force) {
        session.note(
          'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
        )
      }
      return deleteAll(session, targets, options)
    })
}

/**
 * Only `--lab` may stand beside it: whoever wrote `delete -l app=web` or `delete -n shop` forgot the type, and must not lose
 * the lab for it.
 */
export const isAboutTheLab = (command: Command): boolean =>
  [command, ...(command.parent ? [command.parent] : [])]
    .flatMap((each) =>
      each.options.map((option) => ({ name: option.attributeName(), source: each.getOptionValueSource(option.attributeName()) })),
    )
    .every(({ name, source }) => name === 'lab' || source !== 'cli')

function bodyOf(options: DeleteOptions): JsonObject {
  const policies: Record<string, string> = {
    background: 'Background',
    true: 'Background',
    foreground: 'Foreground',
    orphan: 'Orphan',
    false: 'Orphan',
  }
  const propagationPolicy = policies[options.cascade]
  if (!propagationPolicy)
    throw new CliError(`invalid cascade value (${options.cascade}). Must be "background", "foreground", or "orphan"`)
  const grace = options.force ? 0 : options.now ? 1 : options.gracePeriod === undefined ? -1 : Number(options.gracePeriod)
  if (grace === 0 && !options.force) throw new CliError('--grace-period=0 needs --force')
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy,
    ...(grace >= 0 && { gracePeriodSeconds: grace }),
    ...(options.dryRun === 'server' && { dryRun: ['All'] }),
  }
}

async function deleteAll(session: Session, targets: Target[], options: DeleteOptions): Promise<void> {
  const body = bodyOf(options)
  const deleted: (Target & { uid: string | undefined })[] = []
  let failed = false
  for (const target of targets) {
    try {
      const uid = options.dryRun === 'client' ? undefined : await deleteOne(session, target, body)
      deleted.push({ ...target, uid })
      session.print(reportOf(target, options))
    } catch (error) {
      if (options.ignoreNotFound && isNotFound(error)) continue
      if (targets.length === 1) throw error
      session.note(describeError(error))
      failed = true
    }
  }
  if (options.wait !== 'false' && (options.dryRun ?? 'none') === 'none') {
    const { waitUntilGone } = await import('../wait-until-gone.ts')
    await Promise.all(deleted.map((target) => waitUntilGone(session, target, options.timeout)))
  }
  if (failed) throw new SilentExit('')
}

/** The server answers with the object while it ends, or with a Status that names its UID. */
async function deleteOne(session: Session, { type, name, namespace }: Target, body: JsonObject): Promise<string | undefined> {
  const answer = await session.client.raw<JsonObject>('DELETE', pathOf(type, { namespace, name }), { body })
  const holder = (answer['kind'] === 'Status' ? answer['details'] : answer['metadata']) as { uid?: string } | undefined
  return holder?.uid
}

function reportOf({ type, name }: Target, options: DeleteOptions): string {
  if (options.output === 'name') return `${qualifiedSingular(type)}/${name}`
  const suffix = options.dryRun === 'client' ? ' (dry run)' : options.dryRun === 'server' ? ' (server dry run)' : ''
  return `${qualifiedSingular(type)} ${JSON.stringify(name)} ${options.force ? 'force ' : ''}deleted${suffix}`
}
