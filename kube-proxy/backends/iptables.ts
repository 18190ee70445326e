/** Rules in the kernel's iptables: chains as upstream lays them out, of which only those that differ are written. */
import { runProgram, type Run } from '../run-program.ts'
import type { Family } from '../service-ports.ts'
import type { Backend } from './backend.ts'
import { canaryChain, canaryTables, JUMPS, type Jump } from './iptables/base-rules.ts'
import { isServiceChain, rankOf } from './iptables/chain-names.ts'
import { renderRules } from './iptables/render-rules.ts'
import { createRuleBook } from './iptables/rule-book.ts'
import { createTables, inSteps } from './iptables/tables.ts'

export interface BackendOptions {
  family: Family
  run?: Run
}

/** A first write, or one after a flush, is made of many such steps; what changes later is one. */
const chainsAtOnce = 300

export function createIptablesBackend({ family, run = runProgram }: BackendOptions): Backend {
  const { restore, chains, iptables, has } = createTables(family, run)
  const book = createRuleBook(family)
  let whole = true

  /** Leads into our chains from the kernel's own, which are not ours to write whole. */
  const link = async () => {
    for (const jump of JUMPS) {
      const rule = splitRule(jump)
      if (!(await has(jump.table, '-C', jump.from, ...rule))) await iptables(jump.table, '-I', jump.from, ...rule)
    }
  }
  /** What an earlier life left behind goes in the same transaction. */
  const leftovers = async () => {
    const wanted = book.chains()
    const there = (await chains('nat')).filter(isServiceChain).map((chain) => `nat/${chain}`)
    return there.filter((chain) => !wanted.has(chain))
  }

  return {
    mode: 'iptables',
    probe: async () => void (await chains('nat')),
    set: (service, rules) => book.set(service, rules.length > 0 ? renderRules(rules) : null),
    setNodePortAddresses: book.setNodePortAddresses,
    async write() {
      const wrote = whole
      try {
        const changes = book.changes()
        const removed = whole ? [...new Set([...changes.removed, ...(await leftovers())])] : changes.removed
        for (const step of inSteps({ written: changes.written, removed }, rankOf, chainsAtOnce)) await restore(step)
        if (whole) await link()
        book.written(changes)
        whole = false
        return { whole: wrote, parts: changes.written.size + removed.length, rules: countRules(changes.written) }
      } catch (error) {
        whole = true
        book.forget()
        throw error
      }
    },
    forget() {
      whole = true
      book.forget()
    },
    async isIntact() {
      for (const table of canaryTables) if (!(await has(table, '-C', canaryChain, '-j', 'RETURN'))) return false
      for (const jump of JUMPS) if (!(await has(jump.table, '-C', jump.from, ...splitRule(jump)))) return false
      return true
    },
    async cleanUp() {
      for (const jump of JUMPS) await iptables(jump.table, '-D', jump.from, ...splitRule(jump)).catch(() => {})
      for (const table of ['nat', 'filter', 'mangle'] as const) {
        const ours = (await chains(table)).filter((chain) => chain.startsWith('KUBE-'))
        if (ours.length > 0) await restore({ written: new Map(), removed: ours.map((chain) => `${table}/${chain}`) })
      }
    },
    ruleCounts: () => countRules(book.chains()),
  }
}

function countRules(chains: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [chain, lines] of chains) {
    const table = chain.slice(0, chain.indexOf('/'))
    counts.set(table, (counts.get(table) ?? 0) + lines.length)
  }
  return counts
}

/** The comment of a jump has spaces in it. */
const splitRule = ({ match, to }: Jump): string[] => [
  ...[...match.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!),
  '-j',
  to,
]
