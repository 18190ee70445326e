/** `kubelab taint`: keep pods off nodes that do not tolerate them. */
import type { Node, Taint } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import { isInvalid } from '../../api/status.ts'
import type { CliCommand } from '../commands.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, type Target } from '../arguments/find-targets.ts'
import { applyTaints, parseTaints, splitTaints, type TaintChanges } from '../decisions/node-taints.ts'
import type { Session } from '../session.ts'

interface TaintOptions extends WriteOptions {
  all?: boolean
  selector?: string
  overwrite?: boolean
}

export const taint: CliCommand = (program, open) => {
  withWriteOptions(program.command('taint <args...>'))
    .description('Keep pods off nodes: taint node node-1 disk=slow:NoSchedule, taint node node-1 disk-')
    .option('--all', 'all nodes')
    .option('-l, --selector <labels>', 'all nodes with these labels')
    .option('--overwrite', 'replace taints that are there')
    .action(async (args: string[], options: TaintOptions) => {
      const { objects, specs } = splitTaints(args)
      if (specs.length === 0) throw new CliError('at least one taint update is required')
      const changes = parseTaints(specs)
      const session = await open()
      const type = await session.types.find(objects[0]?.split('/')[0] ?? '')
      if (type.kind !== 'Node') throw new CliError(`invalid resource type ${objects[0]}, only node types are supported`)
      if (objects.length < 2 && !objects[0]!.includes('/') && !options.all && !options.selector)
        throw new CliError("at least one resource name must be specified since 'all' parameter is not set")
      for (const target of await findTargets(session, objects, options)) await taintOne(session, target, changes, options)
    })
}

const MAXIMUM_ATTEMPTS = 5

async function taintOne(session: Session, target: Target, changes: TaintChanges, options: TaintOptions): Promise<void> {
  const path = pathOfTarget(target)
  for (let attempt = 1; ; attempt++) {
    const node = await session.client.raw<Node & JsonObject>('GET', path)
    const current = node.spec?.taints ?? []
    const { taints, outcome } = applyTaints(target.name, current, changes, options.overwrite ?? false)
    if (dryRunOf(options) === 'client')
      return report(session, target.type, { ...node, spec: { ...node.spec, taints } } as unknown as JsonObject, outcome, options)
    try {
      const changed = await session.client.raw<JsonObject>('PATCH', path, {
        body: patchOf(node.spec?.taints, taints),
        contentType: 'application/json-patch+json',
        query: { fieldManager: 'kubectl-taint', ...dryRunQuery(options) },
      })
      return report(session, target.type, changed, outcome, options)
    } catch (error) {
      // Somebody else tainted the node at the same moment.
      if (!isInvalid(error) || attempt === MAXIMUM_ATTEMPTS) throw error
    }
  }
}

/** Only if the taints are still those that were read: a version of the whole node changes with each of its heartbeats. */
const patchOf = (before: Taint[] | undefined, after: Taint[]) => [
  ...(before ? [{ op: 'test', path: '/spec/taints', value: before }] : []),
  after.length > 0 ? { op: 'add', path: '/spec/taints', value: after } : { op: 'remove', path: '/spec/taints' },
]
