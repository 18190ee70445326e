/** `kubelab api-resources`: every type that the server serves. */
import { collectList } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { apiVersionOf, qualifiedPlural, type ResourceType } from '../arguments/resource-types.ts'
import { alignTabs } from '../printers/tabwriter.ts'

interface Options {
  output?: string
  apiGroup?: string
  namespaced?: string
  verbs?: string[]
  sortBy?: string
  headers: boolean
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** What `--sort-by` may say; by group where it says nothing. */
const ORDERS: Readonly<Record<string, (a: ResourceType, b: ResourceType) => number>> = {
  group: (a, b) => compare(a.group, b.group) || compare(a.plural, b.plural),
  name: (a, b) => compare(a.plural, b.plural),
  kind: (a, b) => compare(a.kind, b.kind),
}

export const apiResources: CliCommand = (program, open) => {
  program
    .command('api-resources')
    .description('Show every type of object that the server serves')
    .option('-o, --output <format>', 'wide, name')
    .option('--api-group <group>', 'only those of this group')
    .option('--namespaced <true|false>', 'only those in namespaces, or only those that are not')
    .option('--verbs <verbs>', 'only those that know all of these verbs', collectList)
    .option('--sort-by <column>', 'name or kind')
    .option('--no-headers', 'no line of column names')
    .action(async (options: Options) => {
      const order = ORDERS[options.sortBy ?? 'group']
      if (!order) throw new CliError('--sort-by accepts only name or kind')
      const session = await open()
      const all = await session.types.discover()
      const types = all
        // Discovery names the preferred version first: the others are the same resource again.
        .filter((type, index) => all.findIndex(({ group, plural }) => group === type.group && plural === type.plural) === index)
        .filter(({ group }) => options.apiGroup === undefined || group === options.apiGroup)
        .filter(({ namespaced }) => options.namespaced === undefined || String(namespaced) === options.namespaced)
        .filter(({ verbs }) => (options.verbs ?? []).every((verb) => verbs.includes(verb)))
        .toSorted(order)
      if (options.output === 'name') return session.print(types.map(qualifiedPlural).join('\n'))
      const isWide = options.output === 'wide'
      const rows = types.map((type) => [
        type.plural,
        type.shortNames.join(','),
        apiVersionOf(type),
        String(type.namespaced),
        type.kind,
        ...(isWide ? [type.verbs.join(','), type.categories.join(',')] : []),
      ])
      const header = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(isWide ? ['VERBS', 'CATEGORIES'] : [])]
      const lines = options.headers ? [header, ...rows] : rows
      return session.print(alignTabs(lines.map((cells) => cells.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 }))
    })
}
