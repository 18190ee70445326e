/** `kubelab wait`: until objects are as wanted, or gone. */
import { parseDuration } from '../../api/duration.ts'
import type { JsonObject } from '../../api/json.ts'
import { isNotFound } from '../../api/status.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, SilentExit } from '../errors.ts'
import { findTargets, type Target, type TargetOptions } from '../arguments/find-targets.ts'
import { pathOf, qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'
import { parseWaitCondition, type WaitCondition } from '../decisions/wait-condition.ts'
import { waitUntilGone } from '../wait-until-gone.ts'

interface WaitOptions extends TargetOptions {
  for: string
  timeout: string
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
