/** `-o custom-columns=NAME:.metadata.name,…` */
import { parseJsonPath, relaxedExpression } from '../../api/jsonpath.ts'
import { CliError } from '../errors.ts'
import { alignTabs } from './tabwriter.ts'
import { itemsOf, type Printer } from './printer.ts'

export function createCustomColumnsPrinter(spec: string, noHeaders: boolean): Printer {
  if (spec === '') throw new CliError('custom-columns format specified but no custom columns given')
  const columns = spec.split(',').map((part) => {
    const colon = part.indexOf(':')
    if (colon < 0) throw new CliError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`)
    return { header: part.slice(0, colon), path: parseJsonPath(relaxedExpression(part.slice(colon + 1))) }
  })
  return (object) => {
    const rows = itemsOf(object).map((item) =>
      columns.map(({ path }) => {
        const values = path.find(item)
        return values.length === 0
          ? '<none>'
          : values.map((value) => (typeof value === 'string' ? value : value === null ? '<none>' : goText(value))).join(',')
      }),
    )
    const lines = noHeaders ? rows : [columns.map(({ header }) => header), ...rows]
    return alignTabs(lines.map((cells) => cells.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 })
  }
}

/** Maps and lists as Go prints them: `map[a:1]`, `[a b]`. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `map[${Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${key}:${goText(inner)}`)
    .join(' ')}]`
}
