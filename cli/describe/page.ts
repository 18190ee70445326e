/** The text of `describe`: indented lines of tab-separated cells, aligned at the end. */
import { alignTabs } from '../tabwriter.ts'

export class Page {
  readonly #lines: string[] = []

  /** Cells after the first stand in columns with those of the lines around. */
  line(level: number, ...cells: (string | number | boolean | undefined)[]): this {
    this.#lines.push('  '.repeat(level) + cells.map((cell) => String(cell ?? '')).join('\t'))
    return this
  }

  /** `Labels:  a=b` with one pair a line, in the order of their names. */
  pairs(
    level: number,
    title: string,
    pairs: Readonly<Record<string, string>> | undefined,
    separator = '=',
    skip: readonly string[] = [],
  ): this {
    const entries = Object.entries(pairs ?? {})
      .filter(([key]) => !skip.includes(key))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    if (entries.length === 0) return this.line(level, `${title}:`, '<none>')
    entries.forEach(([key, value], index) => this.line(level, index === 0 ? `${title}:` : '', `${key}${separator}${value}`))
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

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const two = (value: number) => String(value).padStart(2, '0')

/** RFC 1123 with a numeric zone, as Go writes it. Always UTC, so that two people see the same. */
export function formatDate(timestamp: string | undefined): string {
  if (!timestamp) return '<unset>'
  const date = new Date(timestamp)
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} +0000`
}

/** `True`, `False` */
export const formatBoolean = (value: boolean): string => (value ? 'True' : 'False')
