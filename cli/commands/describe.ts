/** `kubelab describe`: everything about an object that a person wants to know, its events included. */
import type { JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { isForbidden, isNotFound } from '../../api/status.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { findDescriber } from '../describe/describers.ts'
import { readEvents } from '../describe/events.ts'
import { describeGeneric } from '../describe/generic.ts'
import { CliError, SilentExit } from '../errors.ts'
import { nameOf, namespaceOf, readManifests } from '../arguments/manifests.ts'
import { parseSelections, type Selection } from '../arguments/object-arguments.ts'
import { itemsOf } from '../printers/printer.ts'
import { apiVersionOf, pathOf } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

interface DescribeOptions {
  selector?: string
  allNamespaces?: boolean
  showEvents: string
  filename?: string[]
}

export const describe: CliCommand = (program, open) => {
  program
    .command('describe [type] [names...]')
    .description('Tell all about objects: describe pod web, describe nodes')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--show-events [bool]', 'their events too', 'true')
    .option('-f, --filename <file>', 'the objects that this file names', collect)
    .action(async (type: string | undefined, names: string[], options: DescribeOptions) => {
      const session = await open()
      const objects = await readObjects(session, type === undefined ? [] : [type, ...names], options)
      const texts: string[] = []
      for (const object of objects) texts.push(await describeOne(session, object, options.showEvents !== 'false'))
      if (texts.length > 0) session.print(texts.join('\n\n\n'))
      else {
        session.note(options.allNamespaces ? 'No resources found' : `No resources found in ${session.namespace} namespace.`)
        if (names.length > 0) throw new SilentExit('')
      }
    })
}

async function readObjects(session: Session, args: string[], options: DescribeOptions): Promise<KubeObject[]> {
  if (options.filename) {
    const manifests = await readManifests(options.filename, session.types, { namespace: session.namespace })
    return Promise.all(
      manifests.map(({ type, object }) =>
        session.client.raw<KubeObject>('GET', pathOf(type, { namespace: namespaceOf(object), name: nameOf(object) })),
      ),
    )
  }
  const selections = await parseSelections(args, session.types)
  if (selections.length === 0)
    throw new CliError(
      'You must specify the type of resource to describe. Use "kubelab api-resources" for a complete list of supported resources.',
    )
  const lists = await Promise.all(selections.map((selection) => readSelection(session, selection, options)))
  return lists.flat()
}

async function readSelection(session: Session, { type, names }: Selection, options: DescribeOptions): Promise<KubeObject[]> {
  const namespace = options.allNamespaces ? undefined : session.namespace
  const header = { apiVersion: apiVersionOf(type), kind: type.kind }
  const list = async () => {
    const query = options.selector ? { labelSelector: options.selector } : {}
    const answer = await session.client.raw<JsonObject>('GET', pathOf(type, { namespace }), { query })
    return itemsOf(answer).map((item) => ({ ...header, ...item }) as unknown as KubeObject)
  }
  if (names.length === 0) return list()
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return [await session.client.raw<KubeObject>('GET', pathOf(type, { namespace, name }))]
      } catch (error) {
        if (!isNotFound(error)) throw error
        // As kubectl: a name that does not exist may be the beginning of some that do.
        const starting = (await list()).filter(({ metadata }) => metadata.name.startsWith(name))
        if (starting.length === 0) throw error
        return starting
      }
    }),
  )
  return found.flat()
}

async function describeOne(session: Session, object: KubeObject, withEvents: boolean): Promise<string> {
  const describer = findDescriber(object)
  const events = withEvents
    ? await readEvents(session, object).catch((error: unknown) => {
        // Who may read the object need not be allowed to read events.
        if (isForbidden(error)) return []
        throw error
      })
    : []
  const now = new Date()
  if (!describer) return describeGeneric(object, events, now)
  return describer.describe(object, await describer.read?.(session, object), events, now)
}
