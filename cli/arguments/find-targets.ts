/** The objects that a command is about: named, of a type and selected, or those that files name. */
import type { Command } from 'commander'
import type { JsonObject } from '../../api/json.ts'
import { collect } from './collect.ts'
import { CliError } from '../errors.ts'
import { nameOf, namespaceOf, readManifests } from './manifests.ts'
import { parseSelections } from './object-arguments.ts'
import { itemsOf } from '../printers/printer.ts'
import { pathOf, type ResourceType } from './resource-types.ts'
import type { Session } from '../session.ts'

export interface TargetOptions {
  filename?: string[]
  recursive?: boolean
  selector?: string
  fieldSelector?: string
  all?: boolean
  allNamespaces?: boolean
}

export interface Target {
  type: ResourceType
  name: string
  namespace: string | undefined
}

export const withFiles = (command: Command): Command =>
  command
    .option('-f, --filename <file>', 'file, folder, or - for standard input', collect)
    .option('-R, --recursive', 'folders within folders as well')

export const pathOfTarget = ({ type, name, namespace }: Target, subresource?: string): string =>
  pathOf(type, { namespace, name, ...(subresource && { subresource }) })

const NOTHING_NAMED = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`

/** In the order of the arguments; rejects when nothing at all is named. */
export async function findTargets(session: Session, args: readonly string[], options: TargetOptions): Promise<Target[]> {
  if (options.filename) {
    const files = { recursive: options.recursive, namespace: session.namespace }
    const objects = await readManifests(options.filename, session.types, files)
    return objects.map(({ type, object }) => ({ type, name: nameOf(object), namespace: namespaceOf(object) }))
  }
  const selections = await parseSelections(args, session.types)
  if (selections.length === 0) throw new CliError(NOTHING_NAMED)
  const targets: Target[] = []
  for (const { type, names } of selections) {
    const namespace = options.allNamespaces || !type.namespaced ? undefined : session.namespace
    targets.push(...names.map((name) => ({ type, name, namespace })))
    if (names.length > 0) continue
    if (!options.all && !options.selector && !options.fieldSelector)
      throw new CliError('resource(s) were provided, but no name was specified')
    targets.push(...(await listTargets(session, type, namespace, options)))
  }
  return targets
}

async function listTargets(
  session: Session,
  type: ResourceType,
  namespace: string | undefined,
  { selector, fieldSelector }: TargetOptions,
): Promise<Target[]> {
  const query = { ...(selector && { labelSelector: selector }), ...(fieldSelector && { fieldSelector }) }
  const list = await session.client.raw<JsonObject>('GET', pathOf(type, { namespace }), { query })
  return itemsOf(list).map(({ metadata }) => {
    const { name, namespace } = metadata as { name: string; namespace?: string }
    return { type, name, namespace }
  })
}
