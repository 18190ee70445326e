/** The text of `describe`: indented lines of tab-separated cells, aligned at the end. */
import { controllerOf, type KubeObject } from '../../api/object.ts'
import { LAST_APPLIED } from '../../api/patch/last-applied.ts'
import type { ObjectMeta } from '../../api/generated/types.ts'
import { alignTabs } from '../printers/tabwriter.ts'

/** A longer annotation stands on lines of its own, cut at this length: kubectl's `maxAnnotationLen`. */
const LONGEST_ANNOTATION = 140

export class Page {
  readonly #lines: string[] = []

  /** Cells after the first stand in columns with those of the lines around. */
  line(level: number, ...cells: (string | number | boolean | undefined)[]): this {
    this.#lines.push('  '.repeat(level) + cells.map((cell) => String(cell ?? '')).join('\t'))
    return this
  }

  /** How most pages of namespaced objects begin. */
  identity({ name, namespace, labels, annotations }: ObjectMeta): this {
    this.line(0, 'Name:', name).line(0, 'Namespace:', namespace)
    return this.pairs(0, 'Labels', labels).annotations(0, annotations)
  }

  /** `Labels:  a=b` with one pair a line, in the order of their names. */
  pairs(level: number, title: string, pairs: Readonly<Record<string, string>> | undefined): this {
    return this.list(
      level,
      title,
      sortedEntries(pairs).map(([key, value]) => `${key}=${value}`),
    )
  }

  /** All but what `apply` remembers. */
  annotations(level: number, annotations: Readonly<Record<string, string>> | undefined): this {
    const items = sortedEntries(annotations)
      .filter(([key]) => key !== LAST_APPLIED)
      .flatMap(([key, value]) => annotationLines(key, value.replace(/\n$/, '')))
    return this.list(level, 'Annotations', items)
  }

  /** Nothing for an object that nobody controls. */
  controlledBy(object: KubeObject): this {
    const owner = controllerOf(object)
    return owner ? this.line(0, 'Controlled By:', `${owner.kind}/${owner.name}`) : this
  }

  /** Of a workload; nothing where there are none. */
  conditions(conditions: readonly { type: string; status: string; reason?: string | undefined }[] = []): this {
    if (conditions.length === 0) return this
    this.line(0, 'Conditions:').line(1, 'Type', 'Status', 'Reason').line(1, '----', '------', '------')
    for (const { type, status, reason } of conditions) this.line(1, `${type} `, status, reason)
    return this
  }

  list(level: number, title: string, items: readonly string[]): this {
    if (items.length === 0) return this.line(level, `${title}:`, '<none>')
    items.forEach((item, index) => this.line(level, index === 0 ? `${title}:` : '', item))
    return this
  }

  toString(): string {
    return alignTabs(this.#lines.join('\n'))
  }
}

const sortedEntries = (pairs: Readonly<Record<string, string>> | undefined): [string, string][] =>
  Object.entries(pairs ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))

function annotationLines(key: string, value: string): string[] {
  if (!value.includes('\n') && key.length + value.length + 2 <= LONGEST_ANNOTATION) return [`${key}: ${value}`]
  const longest = LONGEST_ANNOTATION - 2
  const lines = value.split('\n').map((line) => (line.length > longest ? `${line.slice(0, longest)}...` : line))
  return [`${key}:`, ...lines.map((line) => `  ${line}`)]
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const two = (value: number) => String(value).padStart(2, '0')

/** RFC 1123 with a numeric zone, as Go writes it. Always UTC, so that two people see the same. */
export function formatDate(timestamp: string | undefined): string {
  if (!timestamp) return '<unset>'
  const date = new Date(timestamp)
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCFullYear()).padStart(4, '0')} ${time} +0000`
}

/** `True`, `False`, `<unset>` */
export const formatBoolean = (value: boolean | undefined): string => (value === undefined ? '<unset>' : value ? 'True' : 'False')

/** `a=1,b=2`: a map in one line, as Go's `FormatLabels` has it. */
export const formatPairs = (pairs: Readonly<Record<string, string>> | undefined): string =>
  sortedEntries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>'
