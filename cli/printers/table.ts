/** The default output: the table that the server makes, as text. */
import type { JsonObject } from '../../api/json.ts'
import { alignTabs } from './tabwriter.ts'

export const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

export interface Table {
  kind: string
  metadata?: { resourceVersion?: string; continue?: string }
  columnDefinitions?: { name: string; type: string; format?: string; priority?: number }[]
  rows?: TableRow[]
}

export interface TableRow {
  cells: unknown[]
  object?: JsonObject
}

export interface TableOptions {
  wide?: boolean
  noHeaders?: boolean
  /** A NAMESPACE column comes first. */
  withNamespace?: boolean
  /** `pod/` before each name, where several types are shown. */
  namePrefix?: string
  showLabels?: boolean
  /** `-L`: a column for each of these labels. */
  labelColumns?: readonly string[]
}

/** Prints tables of one type one after the other, with columns as wide as the widest seen so far: what a watch shows. */
export function createTableWriter(options: TableOptions): (table: Table) => string {
  let headersDone = options.noHeaders ?? false
  let columns: Table['columnDefinitions']
  let widths: number[] = []
  return (table) => {
    columns = table.columnDefinitions?.length ? table.columnDefinitions : columns
    const rows = (table.rows ?? []).map((row) => cellsOf(row, columns ?? [], options))
    const lines = headersDone ? rows : [headersOf(columns ?? [], options), ...rows]
    if (rows.length > 0) headersDone = true
    widths = lines.reduce((known, cells) => cells.map((cell, index) => Math.max(known[index] ?? 0, cell.length)), widths)
    return rows.length === 0 ? '' : align(lines, widths)
  }
}

function align(lines: string[][], widths: readonly number[]): string {
  // A first line as wide as all before it, taken off again.
  const ruler = widths.map((width) => 'x'.repeat(width))
  const text = [ruler, ...lines].map((cells) => cells.join('\t')).join('\n')
  return alignTabs(text, { minimumWidth: 6, padding: 3 }).split('\n').slice(1).join('\n')
}

const isShown = (column: { priority?: number } | undefined, wide = false) => wide || (column?.priority ?? 0) === 0

function headersOf(columns: NonNullable<Table['columnDefinitions']>, options: TableOptions): string[] {
  return [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...columns.filter((column) => isShown(column, options.wide)).map(({ name }) => name.toUpperCase()),
    ...(options.labelColumns ?? []).map((label) => label.split('/').at(-1)!.toUpperCase()),
    ...(options.showLabels ? ['LABELS'] : []),
  ]
}

interface RowMetadata {
  namespace?: string
  labels?: Record<string, string>
}

function cellsOf({ cells, object }: TableRow, columns: NonNullable<Table['columnDefinitions']>, options: TableOptions): string[] {
  const { namespace = '', labels = {} } = (object?.['metadata'] ?? {}) as RowMetadata
  const shown = cells.flatMap((cell, index) => (isShown(columns[index], options.wide) ? [cellText(cell)] : []))
  if (options.namePrefix && shown.length > 0) shown[0] = options.namePrefix + shown[0]
  const labelText = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
  return [
    ...(options.withNamespace ? [namespace] : []),
    ...shown,
    ...(options.labelColumns ?? []).map((label) => labels[label] ?? ''),
    ...(options.showLabels ? [labelText || '<none>'] : []),
  ]
}

/** Line ends would break the table. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>'
  return (typeof cell === 'string' ? cell : JSON.stringify(cell)).split(/[\n\r\f]/, 1)[0]!
}
