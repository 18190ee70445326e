/** What a table of nftables is made of, by name, as the ledger keeps it: chains with their rules, sets, and elements of maps. Pure. */

/** Name → text: a chain's rules, one a line; a set's definition; an element's verdict, or nothing. */
export type Things = Map<string, string>

export const addChain = (things: Things, chain: string, rules: readonly string[]): void =>
  void things.set(`chain ${chain}`, rules.join('\n'))

export const addSet = (things: Things, set: string, definition: string): void => void things.set(`set ${set}`, definition)

export const addElement = (things: Things, set: string, key: string, verdict = ''): void =>
  void things.set(`element ${set} ${key}`, verdict)

export type ThingName = { kind: 'chain' | 'set'; name: string } | { kind: 'element'; name: string; key: string }

export function parseName(text: string): ThingName {
  const [kind, name = '', ...key] = text.split(' ')
  if (kind === 'element') return { kind, name, key: key.join(' ') }
  return { kind: kind === 'chain' ? 'chain' : 'set', name }
}
