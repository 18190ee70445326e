/** `kubelab get`: tables that the server makes, or the objects themselves; `-w` goes on showing. */
import type { Json, JsonObject } from '../../api/json.ts'
import { parseJsonPath, relaxedExpression } from '../../api/jsonpath.ts'
import { isBadRequest, isNotFound } from '../../api/status.ts'
import { collectList } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, inContext, SilentExit } from '../errors.ts'
import { collect } from '../arguments/collect.ts'
import { nameOf, namespaceOf, readManifests } from '../arguments/manifests.ts'
import { parseSelections, type Selection } from '../arguments/object-arguments.ts'
import { createPrinter, itemsOf, withoutManagedFields, type Printer } from '../printers/printer.ts'
import { createTableWriter, TABLE_ACCEPT, type Table, type TableOptions } from '../printers/table.ts'
import { openBody } from '../streams/open-stream.ts'
import { apiVersionOf, pathOf, qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

interface GetOptions {
  output?: string
  selector?: string
  fieldSelector?: string
  allNamespaces?: boolean
  watch?: boolean
  watchOnly?: boolean
  headers: boolean
  showLabels?: boolean
  labelColumns?: string[]
  showKind?: boolean
  showManagedFields?: boolean
  sortBy?: string
  ignoreNotFound?: boolean
  filename?: string[]
  chunkSize: string
  raw?: string
  subresource?: string
}

export const get: CliCommand = (program, open) => {
  program
    .command('get [type] [names...]')
    .description('Show objects: get pods, get deploy/web, get po,svc -A, get pods -w')
    .option('-o, --output <format>', 'wide, yaml, json, name, jsonpath=…, custom-columns=…')
    .option('-l, --selector <labels>', 'only objects with these labels: app=web,tier!=db')
    .option('--field-selector <fields>', 'only objects with these fields: spec.nodeName=node-1')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-w, --watch', 'go on showing what changes')
    .option('--watch-only', 'show only what changes from now on')
    .option('--no-headers', 'no line of column names')
    .option('--show-labels', 'a last column with all labels')
    .option('-L, --label-columns <labels>', 'columns for these labels', collectList)
    .option('--show-kind', 'the type before each name')
    .option('--show-managed-fields', 'with yaml and json: who owns which field')
    .option('--sort-by <path>', 'order by this JSONPath')
    .option('--ignore-not-found', 'what does not exist is no error')
    .option('-f, --filename <file>', 'the objects that this file names', collect)
    .option('--chunk-size <count>', 'objects in one answer', '500')
    .option('--subresource <name>', 'the status or scale of the objects')
    .option('--raw <path>', 'what the server answers at this path, as it is: /readyz?verbose')
    .action(async (type: string | undefined, names: string[], options: GetOptions) => {
      const session = await open()
      if (options.raw) return getRaw(session, options.raw)
      const selections = options.filename
        ? await selectionsOfFiles(session, options.filename)
        : await parseSelections(type === undefined ? [] : [type, ...names], session.types)
      if (selections.length === 0) {
        throw new CliError(
          'You must specify the type of resource to get. Use "kubelab api-resources" for a complete list of supported resources.',
        )
      }
      const printer = createPrinter(options.output, { noHeaders: !options.headers })
      if (options.watch || options.watchOnly) return watchSelections(session, selections, options, printer)
      return printer ? getObjects(session, selections, options, printer) : getTables(session, selections, options)
    })
}

async function getRaw({ config }: Session, path: string): Promise<void> {
  if (!path.startsWith('/')) throw new CliError(`Cannot ask for ${path}: a path begins with "/"`)
  for await (const piece of await openBody(config, path)) process.stdout.write(piece)
}

async function selectionsOfFiles(session: Session, files: string[]): Promise<Selection[]> {
  const objects = await readManifests(files, session.types, { namespace: session.namespace })
  return objects.map(({ type, object }) => ({ type, names: [nameOf(object)], namespace: namespaceOf(object) }))
}

/** One request of the selection: a collection, or one object. */
function requestsOf(
  session: Session,
  { type, names, ...rest }: Selection & { namespace?: string | undefined },
  options: GetOptions,
): string[] {
  const namespace = options.allNamespaces ? undefined : (rest.namespace ?? session.namespace)
  if (names.length === 0) {
    if (options.subresource) throw new CliError('--subresource can only be used when a resource name is provided')
    return [pathOf(type, { namespace })]
  }
  if (options.allNamespaces) throw new CliError('a resource cannot be retrieved by name across all namespaces')
  const { subresource } = options
  return names.map((name) => pathOf(type, { namespace, name, ...(subresource && { subresource }) }))
}

function queryOf(options: GetOptions): Record<string, string> {
  return {
    ...(options.selector && { labelSelector: options.selector }),
    ...(options.fieldSelector && { fieldSelector: options.fieldSelector }),
  }
}

/** Every page of a collection, one after the other. */
async function* pages<T extends { metadata?: { continue?: string } }>(
  session: Session,
  path: string,
  query: Record<string, string>,
  limit: string,
  accept?: string,
): AsyncGenerator<T> {
  let token = ''
  do {
    const page: T = await session.client.raw<T>('GET', path, {
      query: { ...query, ...(limit !== '0' && { limit }), ...(token && { continue: token }) },
      ...(accept && { accept }),
    })
    yield page
    token = page.metadata?.continue ?? ''
  } while (token)
}

/** kubectl says which selectors the server could not make sense of. */
function selectorContext(error: unknown, { type, names }: Selection, options: GetOptions): unknown {
  if (!isBadRequest(error) || names.length > 0 || !(options.selector || options.fieldSelector)) return error
  const resource = JSON.stringify(`${apiVersionOf(type).includes('/') ? '' : '/'}${apiVersionOf(type)}, Resource=${type.plural}`)
  const selectors = `label selector ${JSON.stringify(options.selector ?? '')}, field selector ${JSON.stringify(options.fieldSelector ?? '')}`
  return inContext(`Unable to find ${resource} that match ${selectors}`, error)
}

/** Runs each request; what fails is told at once, and the rest still shown. */
async function eachRequest(
  session: Session,
  options: GetOptions,
  selection: Selection,
  isOnly: boolean,
  run: (path: string) => Promise<void>,
) {
  let failed = false
  const requests = requestsOf(session, selection, options)
  for (const path of requests) {
    try {
      await run(path)
    } catch (cause) {
      if (options.ignoreNotFound && isNotFound(cause)) continue
      const error = selectorContext(cause, selection, options)
      if (isOnly && requests.length === 1) throw error
      session.note(describeError(error))
      failed = true
    }
  }
  return failed
}

async function getTables(session: Session, selections: Selection[], options: GetOptions): Promise<void> {
  let shown = 0
  let failed = false
  const several = new Set(selections.map(({ type }) => type)).size > 1
  for (const selection of selections) {
    const tables: Table[] = []
    failed =
      (await eachRequest(session, options, selection, selections.length === 1, async (path) => {
        const query = { ...queryOf(options), ...(options.sortBy && { includeObject: 'Object' }) }
        for await (const table of pages<Table>(session, path, query, options.chunkSize, TABLE_ACCEPT)) tables.push(table)
      })) || failed
    const rows = sortedBy(
      tables.flatMap((table) => table.rows ?? []),
      options.sortBy,
      (row) => row.object ?? {},
    )
    if (rows.length === 0) continue
    const text = createTableWriter(tableOptions(selection, several, options))({ ...tables[0]!, rows: [...rows] })
    session.print(shown > 0 ? `\n${text}` : text)
    shown += rows.length
  }
  if (shown === 0 && !failed && !options.ignoreNotFound) session.note(nothingFound(session, selections, options))
  if (failed) throw new SilentExit('')
}

function nothingFound(session: Session, selections: Selection[], options: GetOptions): string {
  const scoped = !options.allNamespaces && selections.some(({ type }) => type.namespaced)
  return scoped ? `No resources found in ${session.namespace} namespace.` : 'No resources found'
}

const tableOptions = ({ type }: Selection, several: boolean, options: GetOptions): TableOptions => ({
  wide: options.output === 'wide',
  noHeaders: !options.headers,
  withNamespace: (options.allNamespaces ?? false) && type.namespaced,
  showLabels: options.showLabels ?? false,
  labelColumns: options.labelColumns ?? [],
  ...((several || options.showKind) && { namePrefix: `${qualifiedSingular(type)}/` }),
})

function sortedBy<T>(items: readonly T[], sortBy: string | undefined, objectOf: (item: T) => Json): readonly T[] {
  if (!sortBy) return items
  const path = parseJsonPath(relaxedExpression(sortBy))
  const keyed = items.map((item) => ({ item, key: path.find(objectOf(item))[0] ?? null }))
  return keyed.toSorted((a, b) => compareKeys(a.key, b.key)).map(({ item }) => item)
}

function compareKeys(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a ?? ''), String(b ?? '')]
  return left < right ? -1 : left > right ? 1 : 0
}

async function getObjects(session: Session, selections: Selection[], options: GetOptions, printer: Printer): Promise<void> {
  const items: JsonObject[] = []
  let failed = false
  for (const selection of selections) {
    const header = { apiVersion: apiVersionOf(selection.type), kind: selection.type.kind }
    failed =
      (await eachRequest(session, options, selection, selections.length === 1, async (path) => {
        for await (const page of pages<JsonObject & { metadata?: { continue?: string } }>(
          session,
          path,
          queryOf(options),
          options.chunkSize,
        )) {
          // Upstream leaves the type out of a list's items.
          items.push(...itemsOf(page).map((item) => ({ ...header, ...item })))
        }
      })) || failed
  }
  const [selection] = selections
  const isSingle = selections.length === 1 && selection!.names.length === 1
  const sorted = sortedBy(items, options.sortBy, (item) => item)
  const list = { apiVersion: 'v1', items: [...sorted], kind: 'List', metadata: { resourceVersion: '' } }
  const result = isSingle && items[0] ? items[0] : list
  if (!(isSingle && items.length === 0)) {
    const text = printer(options.showManagedFields ? result : withoutManagedFields(result))
    // JSONPath output ends where the template ends; everything else ends its last line.
    if (options.output?.startsWith('jsonpath=')) process.stdout.write(text)
    else if (text !== '') session.print(text)
  }
  if (failed) throw new SilentExit('')
}

async function watchSelections(
  session: Session,
  selections: Selection[],
  options: GetOptions,
  printer: Printer | undefined,
): Promise<void> {
  const [selection] = selections
  if (!selection || selections.length > 1 || selection.names.length > 1) {
    throw new CliError('watch is only supported on individual resources and resource collections')
  }
  const [name] = selection.names
  const namespace = options.allNamespaces ? undefined : session.namespace
  const path = pathOf(selection.type, { namespace })
  const query: Record<string, string> = {
    ...queryOf(options),
    ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
  }
  const accept = printer ? undefined : TABLE_ACCEPT
  const write = createTableWriter(tableOptions(selection, false, options))
  const show = (object: JsonObject | Table) => {
    const text = printer ? printer(withoutManagedFields(object as JsonObject)) : write(object as Table)
    if (text !== '') session.print(text)
  }

  const listed = await session.client.raw<Table & JsonObject>('GET', path, { query, ...(accept && { accept }) })
  if (!options.watchOnly) {
    if (printer)
      for (const item of itemsOf(listed)) show({ apiVersion: apiVersionOf(selection.type), kind: selection.type.kind, ...item })
    else show(listed)
  }
  const resourceVersion = String((listed.metadata as { resourceVersion?: string } | undefined)?.resourceVersion ?? '')
  const events = session.client.watchPath<JsonObject>(path, { query: { ...query, resourceVersion }, ...(accept && { accept }) })
  for await (const { type, object } of events) {
    if (type === 'ERROR') throw new CliError(String(object['message'] ?? 'the watch ended with an error'))
    if (type !== 'BOOKMARK') show(object)
  }
}
