/** `kubelab label` and `kubelab annotate`: set and take away single labels and annotations. */
import type { Command } from 'commander'
import { deepEqual, type JsonObject } from '../../api/json.ts'
import { isQualifiedName, isValidLabelValue } from '../../api/names.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { parseSelections } from '../arguments/object-arguments.ts'
import { itemsOf } from '../printers/printer.ts'
import { pathOf, qualifiedSingular, type ResourceType } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

interface LabelOptions {
  overwrite?: boolean
  all?: boolean
  selector?: string
  allNamespaces?: boolean
}

interface Changes {
  set: Record<string, string>
  remove: string[]
}

const isChange = (arg: string): boolean => arg.includes('=') || /^(?:[^/]+\/)?[^/]+-$/.test(arg)

/** `a=b` sets, `a-` takes away; everything before the first of them names objects. */
export function splitChanges(args: readonly string[]): { objects: string[]; changes: Changes } {
  const first = args.findIndex(isChange)
  const objects = first < 0 ? [...args] : args.slice(0, first)
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const arg of first < 0 ? [] : args.slice(first)) {
    const equals = arg.indexOf('=')
    if (equals > 0) set[arg.slice(0, equals)] = arg.slice(equals + 1)
    else if (arg.endsWith('-')) remove.push(arg.slice(0, -1))
    else throw new CliError(`unknown command ${JSON.stringify(arg)}`)
  }
  const both = remove.find((key) => key in set)
  if (both !== undefined) throw new CliError(`can not both modify and remove a label in the same command`)
  return { objects, changes: { set, remove } }
}

interface Kind {
  member: 'labels' | 'annotations'
  noun: string
  done: string
  undone: string
}

const LABELS: Kind = { member: 'labels', noun: 'label', done: 'labeled', undone: 'unlabeled' }
const ANNOTATIONS: Kind = { member: 'annotations', noun: 'annotation', done: 'annotated', undone: 'annotated' }

const define =
  (kind: Kind): CliCommand =>
  (program: Command, open) => {
    program
      .command(`${kind.noun === 'label' ? 'label' : 'annotate'} <args...>`)
      .description(`Set or take away ${kind.noun}s: ${kind.noun === 'label' ? 'label' : 'annotate'} pod web tier=front old-`)
      .option('--overwrite', 'replace values that are there')
      .option('--all', 'all objects of the type')
      .option('-l, --selector <labels>', 'all objects with these labels')
      .option('-A, --all-namespaces', 'in every namespace')
      .action(async (args: string[], options: LabelOptions) => {
        const { objects, changes } = splitChanges(args)
        if (Object.keys(changes.set).length + changes.remove.length === 0) {
          throw new CliError(`at least one ${kind.noun} update is required`)
        }
        validate(kind, changes)
        const session = await open()
        for (const target of await findTargets(session, objects, options)) {
          session.print(
            `${qualifiedSingular(target.type)}/${target.name} ${await change(session, target, kind, changes, options)}`,
          )
        }
      })
  }

export const label = define(LABELS)
export const annotate = define(ANNOTATIONS)

function validate({ noun }: Kind, { set }: Changes): void {
  for (const [key, value] of Object.entries(set)) {
    const complaints = [...isQualifiedName(key), ...(noun === 'label' ? isValidLabelValue(value) : [])]
    if (complaints.length > 0)
      throw new CliError(`invalid ${noun} ${JSON.stringify(`${key}=${value}`)}: ${complaints.join('; ')}`)
  }
}

interface Target {
  type: ResourceType
  name: string
  object: JsonObject
}

async function findTargets(session: Session, args: string[], options: LabelOptions): Promise<Target[]> {
  const selections = await parseSelections(args, session.types)
  if (selections.length === 0)
    throw new CliError('one or more resources must be specified as <resource> <name> or <resource>/<name>')
  const targets: Target[] = []
  for (const { type, names } of selections) {
    const namespace = options.allNamespaces ? undefined : session.namespace
    if (names.length === 0 && !options.all && !options.selector)
      throw new CliError('resource(s) were provided, but no name was specified')
    if (names.length === 0) {
      const query = options.selector ? { labelSelector: options.selector } : {}
      const list = await session.client.raw<JsonObject>('GET', pathOf(type, { namespace }), { query })
      targets.push(...itemsOf(list).map((object) => ({ type, object, name: String((object['metadata'] as JsonObject)['name']) })))
    }
    for (const name of names) {
      targets.push({ type, name, object: await session.client.raw<JsonObject>('GET', pathOf(type, { namespace, name })) })
    }
  }
  return targets
}

async function change(
  session: Session,
  { type, name, object }: Target,
  kind: Kind,
  { set, remove }: Changes,
  options: LabelOptions,
): Promise<string> {
  const metadata = object['metadata'] as JsonObject
  const current = (metadata[kind.member] ?? {}) as Record<string, string>
  for (const [key, value] of Object.entries(set)) {
    if (!options.overwrite && current[key] !== undefined && current[key] !== value) {
      throw new CliError(`'${key}' already has a value (${current[key]}), and --overwrite is false`)
    }
  }
  for (const key of remove) if (current[key] === undefined) session.print(`${kind.noun} "${key}" not found.`)
  const wanted: Record<string, string> = { ...current, ...set }
  for (const key of remove) delete wanted[key]
  if (deepEqual(wanted, current)) return `not ${kind.done}`
  const patch = { metadata: { [kind.member]: { ...set, ...Object.fromEntries(remove.map((key) => [key, null])) } } }
  await session.client.raw('PATCH', pathOf(type, { namespace: metadata['namespace'] as string | undefined, name }), {
    body: patch,
    contentType: 'application/merge-patch+json',
    query: { fieldManager: `kubectl-${kind.noun === 'label' ? 'label' : 'annotate'}` },
  })
  return Object.keys(set).length === 0 ? kind.undone : kind.done
}
