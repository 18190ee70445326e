/** Differences as one transaction in the language of `nft -f`: all of it takes effect at once, or nothing. Pure. */
import type { Family } from '../../service-ports.ts'
import { HOOKS, sharedSets, TABLE, wordOf } from './base-table.ts'
import type { Differences } from './ledger.ts'
import { parseName } from './things.ts'

/** Chains and sets that the kernel has and nobody wants. */
export interface Leftovers {
  chains: readonly string[]
  sets: readonly string[]
}

/** Empty when nothing differs. */
export function toTransaction(family: Family, { written, before, removed }: Differences): string {
  const script = createScript(family)
  for (const [name, text] of written) script.write(name, text, before.get(name))
  for (const name of removed) script.remove(name)
  return script.text()
}

/** Everything anew, whatever the kernel holds. Sets of clients keep their elements: affinity outlives a restart. */
export function toWholeTransaction(family: Family, { written }: Pick<Differences, 'written'>, leftovers: Leftovers): string {
  const table = `${wordOf(family)} ${TABLE}`
  const script = createScript(family)
  for (const [name, text] of written) script.write(name, text)
  for (const chain of leftovers.chains) script.remove(`chain ${chain}`)
  for (const set of leftovers.sets) script.remove(`set ${set}`)
  const shared = [...sharedSets(family)]
  return [
    `add table ${table}`,
    ...[...HOOKS].map(([chain, hook]) => `add chain ${table} ${chain} { ${hook} }`),
    ...shared.map(([set, definition]) => `add ${kindOf(definition)} ${table} ${set} { ${definition} }`),
    `flush table ${table}`,
    ...shared.map(([set, definition]) => `flush ${kindOf(definition)} ${table} ${set}`),
    script.text(),
  ].join('\n')
}

const kindOf = (definition: string) => (definition.includes(': verdict') ? 'map' : 'set')

/** Puts commands into an order in which each finds what it names: nothing is deleted that a rule or an element still leads to. */
function createScript(family: Family) {
  const table = `${wordOf(family)} ${TABLE}`
  const lines = { definitions: [] as string[], rules: [] as string[], deletions: [] as string[] }
  const elements = { added: new Map<string, string[]>(), deleted: new Map<string, string[]>() }
  const list = (into: Map<string, string[]>, set: string, element: string) => {
    const known = into.get(set)
    if (known) known.push(element)
    else into.set(set, [element])
  }
  const render = (verb: string, of: Map<string, string[]>) =>
    [...of].map(([set, all]) => `${verb} element ${table} ${set} { ${all.join(', ')} }`)

  return {
    write(thing: string, text: string, before?: string) {
      const of = parseName(thing)
      const { name } = of
      if (of.kind === 'element') {
        if (before !== undefined) list(elements.deleted, name, of.key)
        list(elements.added, name, text ? `${of.key} : ${text}` : of.key)
      } else if (of.kind === 'set') lines.definitions.push(`add set ${table} ${name} { ${text} }`)
      else {
        lines.definitions.push(`add chain ${table} ${name}`, `flush chain ${table} ${name}`)
        for (const rule of text.split('\n')) if (rule) lines.rules.push(`add rule ${table} ${name} ${rule}`)
      }
    },
    remove(thing: string) {
      const of = parseName(thing)
      if (of.kind === 'element') return list(elements.deleted, of.name, of.key)
      if (of.kind === 'chain') lines.definitions.push(`flush chain ${table} ${of.name}`)
      lines.deletions.push(`delete ${of.kind} ${table} ${of.name}`)
    },
    text() {
      const all = [
        ...lines.definitions,
        ...render('delete', elements.deleted),
        ...lines.rules,
        ...render('add', elements.added),
        ...lines.deletions,
      ]
      return all.length > 0 ? `${all.join('\n')}\n` : ''
    },
  }
}
