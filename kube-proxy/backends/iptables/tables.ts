/** The kernel's tables by the iptables programs: chains are written whole, one transaction a table. */
import { runProgram, type Run } from '../../run-program.ts'
import type { Family } from '../../service-ports.ts'

export type Table = 'filter' | 'nat' | 'mangle'

/** Chains are named `table/CHAIN`. */
export interface ChainChanges {
  /** The rules of chains that are new or different. */
  written: Map<string, readonly string[]>
  removed: string[]
}

export interface Tables {
  /** Writes these chains and removes those; rejects with nothing written when the kernel refuses any. */
  restore(changes: ChainChanges): Promise<void>
  /** Names of the chains in the kernel. */
  chains(table: Table): Promise<string[]>
  iptables(table: Table, ...words: string[]): Promise<string>
  /** Whether the kernel has this chain or rule: `-S CHAIN`, `-C CHAIN …`. */
  has(table: Table, ...words: string[]): Promise<boolean>
}

/** How long to wait for another program that holds the lock of the tables, in seconds. */
const lockWait = '5'

export function createTables(family: Family, run: Run = runProgram): Tables {
  const program = family === 'IPv6' ? 'ip6tables' : 'iptables'
  const iptables = (table: Table, ...words: string[]) => run([program, '-w', lockWait, '-t', table, ...words])
  return {
    async restore(changes) {
      const input = toRestoreInput(changes)
      if (input) await run([`${program}-restore`, '-w', lockWait, '--noflush', '--counters'], input)
    },
    async chains(table) {
      return [...(await run([`${program}-save`, '-t', table])).matchAll(/^:(\S+)/gm)].map(([, chain]) => chain!)
    },
    iptables,
    has: (table, ...words) =>
      iptables(table, ...words).then(
        () => true,
        () => false,
      ),
  }
}

/**
 * The same changes in steps of so many chains: what leads to others is written after them, and removed before them. The programs
 * look up each chain among all of their input's, so that eleven thousand at once take them twenty times as long.
 */
export function inSteps({ written, removed }: ChainChanges, rankOf: (chain: string) => number, size: number): ChainChanges[] {
  if (written.size + removed.length <= size) return [{ written, removed }]
  const rank = (key: string) => rankOf(key.slice(key.indexOf('/') + 1))
  const writing = [...written].toSorted(([a], [b]) => rank(a) - rank(b))
  const removing = removed.toSorted((a, b) => rank(b) - rank(a))
  return [
    ...chunks(writing, size).map((part) => ({ written: new Map(part), removed: [] })),
    ...chunks(removing, size).map((part) => ({ written: new Map<string, readonly string[]>(), removed: part })),
  ]
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))

/** Naming a chain creates or empties it; those to remove are emptied first, as other removed chains may point to them. */
export function toRestoreInput({ written, removed }: ChainChanges): string {
  const tables = new Map<string, { heads: string[]; rules: string[]; deletions: string[] }>()
  const inTable = (key: string) => {
    const slash = key.indexOf('/')
    const table = key.slice(0, slash)
    const parts = tables.get(table) ?? { heads: [], rules: [], deletions: [] }
    tables.set(table, parts)
    return { ...parts, chain: key.slice(slash + 1) }
  }
  for (const [key, lines] of written) {
    const { heads, rules, chain } = inTable(key)
    heads.push(`:${chain} - [0:0]`)
    for (const line of lines) rules.push(`-A ${chain} ${line}`)
  }
  for (const key of removed) {
    const { heads, deletions, chain } = inTable(key)
    heads.push(`:${chain} - [0:0]`)
    deletions.push(`-X ${chain}`)
  }
  return [...tables]
    .map(([table, { heads, rules, deletions }]) => [`*${table}`, ...heads, ...rules, ...deletions, 'COMMIT', ''].join('\n'))
    .join('')
}
