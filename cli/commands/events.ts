/** `kubelab events`: what happened, the oldest first. */
import type { CoreEvent } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { collectList } from '../arguments/collect.ts'
import { CliError } from '../errors.ts'
import { HEADERS, lastSeen, rowOf } from '../decisions/event-rows.ts'
import { createPrinter, withoutManagedFields } from '../printers/printer.ts'
import { apiVersionOf } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'
import { alignTabs } from '../printers/tabwriter.ts'

interface EventsOptions {
  allNamespaces?: boolean
  for?: string
  types?: string[]
  watch?: boolean
  output?: string
  headers: boolean
}

export const events: CliCommand = (program, open) => {
  program
    .command('events')
    .description('Show what happened: events --for pod/web, events -A --types=Warning')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('--for <type/name>', 'only of this object')
    .option('--types <types>', 'Normal, Warning', collectList)
    .option('-w, --watch', 'go on showing what happens')
    .option('-o, --output <format>', 'yaml, json, name, …')
    .option('--no-headers', 'no line of column names')
    .action(async (options: EventsOptions) => {
      const wrong = options.types?.find((type) => !['normal', 'warning'].includes(type.toLowerCase()))
      if (wrong !== undefined) throw new CliError('valid --types are Normal or Warning')
      await showEvents(await open(), options)
    })
}

async function showEvents(session: Session, options: EventsOptions): Promise<void> {
  const namespace = options.allNamespaces ? undefined : session.namespace
  const path = namespace === undefined ? '/api/v1/events' : `/api/v1/namespaces/${namespace}/events`
  const fieldSelector = options.for ? await selectorOf(session, options.for) : undefined
  const query = fieldSelector ? { fieldSelector } : {}
  const list = await session.client.raw<{ items: CoreEvent[]; metadata: { resourceVersion: string } }>('GET', path, { query })
  const wanted = ({ type }: CoreEvent) => options.types?.some((each) => each.toLowerCase() === type?.toLowerCase()) ?? true
  const found = list.items.filter(wanted).toSorted((a, b) => lastSeen(a) - lastSeen(b))
  if (found.length === 0 && !options.watch)
    return session.note(namespace === undefined ? 'No events found.' : `No events found in ${namespace} namespace.`)
  const printer = createPrinter(options.output)
  if (printer) {
    const items = found.map((event) => ({ ...event, apiVersion: 'v1', kind: 'Event' }))
    const list = { apiVersion: 'v1', items, kind: 'EventList', metadata: {} } as unknown as JsonObject
    const text = printer(withoutManagedFields(list))
    process.stdout.write(options.output?.startsWith('jsonpath=') ? text : `${text}\n`)
  } else if (found.length > 0) session.print(tableOf(found, options, options.headers))
  if (options.watch)
    await watchEvents(
      session,
      path,
      { ...query, resourceVersion: list.metadata.resourceVersion },
      wanted,
      options,
      found.length === 0,
    )
}

function tableOf(found: CoreEvent[], { allNamespaces = false }: EventsOptions, headers: boolean): string {
  const now = new Date()
  const rows = found.map((event) => rowOf(event, now, allNamespaces))
  const lines = headers ? [allNamespaces ? ['NAMESPACE', ...HEADERS] : HEADERS, ...rows] : rows
  return alignTabs(lines.map((cells) => cells.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 })
}

async function watchEvents(
  session: Session,
  path: string,
  query: Record<string, string>,
  wanted: (event: CoreEvent) => boolean,
  options: EventsOptions,
  headersFirst: boolean,
): Promise<void> {
  let headers = headersFirst && options.headers
  for await (const { type, object } of session.client.watchPath<CoreEvent>(path, { query })) {
    if (type === 'ERROR')
      throw new CliError((object as unknown as { message?: string }).message ?? 'the watch ended with an error')
    if ((type !== 'ADDED' && type !== 'MODIFIED') || !wanted(object)) continue
    session.print(tableOf([object], options, headers))
    headers = false
  }
}

async function selectorOf({ types }: Session, text: string): Promise<string> {
  const [typeName = '', name, ...more] = text.split('/')
  if (!name || more.length > 0) throw new CliError('--for must be in resource/name form')
  const type = await types.find(typeName)
  return `involvedObject.kind=${type.kind},involvedObject.apiVersion=${apiVersionOf(type)},involvedObject.name=${name}`
}
