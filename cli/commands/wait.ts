/** `kubelab wait`: until objects are as wanted, or gone. */
import { parseDuration } from '../../api/duration.ts'
import type { JsonObject } from '../../api/json.ts'
import { isNotFound } from '../../api/status.ts'
import { collect } from '../collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, SilentExit } from '../errors.ts'
import { nameOf, namespaceOf, readManifests } from '../manifests.ts'
import { parseSelections } from '../object-arguments.ts'
import { itemsOf } from '../printers/printer.ts'
import { pathOf, qualifiedSingular, type ResourceType } from '../resource-types.ts'
import type { Session } from '../session.ts'
import { parseWaitCondition, type WaitCondition } from '../wait-condition.ts'
import { waitUntilGone } from '../wait-until-gone.ts'

interface WaitOptions {
  for: string
  timeout: string
  selector?: string
  fieldSelector?: string
  all?: boolean
  allNamespaces?: boolean
  filename?: string[]
}

interface Target {
  type: ResourceType
  name: string
  namespace: string | undefined
}

export const wait: CliCommand = (program, open) => {
  program
    .command('wait [args...]')
    .description('Wait until objects are as wanted: wait pod/web --for=condition=Ready')
    .requiredOption('--for <what>', 'condition=Ready, delete, create, jsonpath={.status.phase}=Running')
    .option('--timeout <duration>', 'how long to wait', '30s')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--field-selector <fields>', 'all objects with these fields')
    .option('--all', 'all objects of the type')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-f, --filename <file>', 'the objects that this file names', collect)
    .action(async (args: string[], options: WaitOptions) => {
      const condition = parseWaitCondition(options.for)
      const session = await open()
      const targets = await findTargets(session, args, options)
      if (targets.length === 0) throw new CliError('no matching resources found')
      const results = await Promise.allSettled(targets.map((target) => waitFor(session, target, condition, options.timeout)))
      const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
      if (failures.length === 1) throw failures[0]
      for (const failure of failures) session.note(describeError(failure))
      if (failures.length > 0) throw new SilentExit('')
    })
}

async function findTargets(session: Session, args: string[], options: WaitOptions): Promise<Target[]> {
  if (options.filename) {
    const objects = await readManifests(options.filename, session.types, { namespace: session.namespace })
    return objects.map(({ type, object }) => ({ type, name: nameOf(object), namespace: namespaceOf(object) }))
  }
  const targets: Target[] = []
  for (const { type, names } of await parseSelections(args, session.types)) {
    const namespace = options.allNamespaces || !type.namespaced ? undefined : session.namespace
    targets.push(...names.map((name) => ({ type, name, namespace })))
    if (names.length > 0) continue
    if (!options.all && !options.selector && !options.fieldSelector)
      throw new CliError('resource(s) were provided, but no name was specified')
    const query = {
      ...(options.selector && { labelSelector: options.selector }),
      ...(options.fieldSelector && { fieldSelector: options.fieldSelector }),
    }
    for (const { metadata } of itemsOf(await session.client.raw<JsonObject>('GET', pathOf(type, { namespace }), { query }))) {
      targets.push({ type, ...(metadata as { name: string }), namespace: (metadata as { namespace?: string }).namespace })
    }
  }
  return targets
}

async function waitFor(session: Session, target: Target, condition: WaitCondition, timeout: string): Promise<void> {
  const { type, name } = target
  if (condition.kind === 'delete') {
    // As kubectl: nothing is said of what was not there.
    if (!(await waitUntilGone(session, { ...target, uid: undefined }, timeout))) return
  } else {
    // A negative timeout is kubectl's way to say a week.
    const ms = parseDuration(timeout)
    const signal = AbortSignal.timeout(ms < 0 ? 7 * 24 * 3_600_000 : ms)
    try {
      await untilMet(session, target, condition, signal)
    } catch (error) {
      throw signal.aborted ? new CliError(`timed out waiting for the condition on ${type.plural}/${name}`) : error
    }
  }
  session.print(`${qualifiedSingular(type)}/${name} condition met`)
}

async function untilMet(
  session: Session,
  { type, name, namespace }: Target,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<void> {
  const isMet = condition.kind === 'state' ? condition.isMet : () => true
  for (;;) {
    const path = pathOf(type, { namespace, name })
    const found = await session.client.raw<JsonObject>('GET', path, { signal }).catch((error: unknown) => {
      if (condition.kind === 'create' && isNotFound(error)) return undefined
      throw error
    })
    if (found && isMet(found)) return
    const resourceVersion = String((found?.['metadata'] as JsonObject | undefined)?.['resourceVersion'] ?? '')
    const query = { fieldSelector: `metadata.name=${name}`, ...(resourceVersion && { resourceVersion }) }
    const events = session.client.watchPath<JsonObject>(pathOf(type, { namespace }), { query, signal })
    for await (const { type: event, object } of events) {
      if (event === 'ERROR') break
      if (event === 'DELETED') throw new CliError(`${type.plural}/${name} was deleted while waiting`)
      if (event !== 'BOOKMARK' && isMet(object)) return
    }
  }
}
