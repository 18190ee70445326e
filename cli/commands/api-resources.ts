/** `kubelab api-resources`: every type that the server serves. */
import type { CliCommand } from '../commands.ts'
import { apiVersionOf, qualifiedPlural } from '../resource-types.ts'
import { alignTabs } from '../tabwriter.ts'

interface Options {
  output?: string
  apiGroup?: string
  namespaced?: string
  headers: boolean
}

export const apiResources: CliCommand = (program, open) => {
  program
    .command('api-resources')
    .description('Show every type of object that the server serves')
    .option('-o, --output <format>', 'wide, name')
    .option('--api-group <group>', 'only those of this group')
    .option('--namespaced <true|false>', 'only those in namespaces, or only those that are not')
    .option('--no-headers', 'no line of column names')
    .action(async (options: Options) => {
      const session = await open()
      const all = await session.types.discover()
      const types = all
        // Discovery names the preferred version first: the others are the same resource again.
        .filter((type, index) => all.findIndex(({ group, plural }) => group === type.group && plural === type.plural) === index)
        .filter(({ group }) => options.apiGroup === undefined || group === options.apiGroup)
        .filter(({ namespaced }) => options.namespaced === undefined || String(namespaced) === options.namespaced)
        .toSorted((a, b) => (a.group === b.group ? (a.plural < b.plural ? -1 : 1) : a.group < b.group ? -1 : 1))
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
