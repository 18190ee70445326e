/** Rules in a table of nftables that is ours alone: maps lead to services, and only what differs is written. */
import { ProgramError, runProgram } from '../run-program.ts'
import type { Backend } from './backend.ts'
import type { BackendOptions } from './iptables.ts'
import { baseThings, HOOKS, sharedSets, TABLE, wordOf } from './nftables/base-table.ts'
import { createLedger } from './nftables/ledger.ts'
import { renderRules } from './nftables/render-rules.ts'
import { toTransaction, toWholeTransaction, type Leftovers } from './nftables/transaction.ts'

/** No service has this name. */
const BASE = ''

export function createNftablesBackend({ family, run = runProgram }: BackendOptions): Backend {
  const table = [wordOf(family), TABLE] as const
  const ledger = createLedger()
  ledger.set(BASE, baseThings(family, 'all'))
  let whole = true

  /** What an earlier life left behind. */
  const leftovers = async (): Promise<Leftovers> => {
    const text = await run(['nft', '-j', '-t', 'list', 'table', ...table]).catch(unlessMissing)
    const { nftables } = JSON.parse(text || '{"nftables":[]}') as { nftables: Listed[] }
    const wanted = new Set([...ledger.names()].filter((name) => !name.startsWith('element ')))
    const named = (kind: 'chain' | 'set') => nftables.flatMap((each) => each[kind]?.name ?? [])
    const shared = sharedSets(family)
    return {
      chains: named('chain').filter((name) => !wanted.has(`chain ${name}`) && !HOOKS.has(name)),
      sets: named('set').filter((name) => !wanted.has(`set ${name}`) && !shared.has(name)),
    }
  }
  const forget = () => {
    whole = true
    ledger.forget()
  }

  return {
    mode: 'nftables',
    // Checked, and not carried out.
    probe: async () => void (await run(['nft', '-c', 'add', 'table', ...table])),
    set: (service, rules) => ledger.set(service, renderRules(rules)),
    setNodePortAddresses: (addresses) => ledger.set(BASE, baseThings(family, addresses)),
    async write() {
      const wrote = whole
      try {
        const differences = ledger.differences()
        const script = whole ? toWholeTransaction(family, differences, await leftovers()) : toTransaction(family, differences)
        if (script) await run(['nft', '-f', '-'], script)
        ledger.settle(differences)
        whole = false
        return { whole: wrote, parts: differences.written.size + differences.removed.length, rules: new Map() }
      } catch (error) {
        forget()
        throw error
      }
    },
    forget,
    isIntact: () =>
      run(['nft', 'list', 'chain', ...table, 'services']).then(
        (text) => text.includes('@service-ips'),
        () => false,
      ),
    async cleanUp() {
      await run(['nft', 'delete', 'table', ...table]).catch(unlessMissing)
    },
    ruleCounts: () => new Map(),
  }
}

interface Listed {
  chain?: { name: string }
  set?: { name: string }
}

/** Neither is a table that is not there a failure, nor a machine that has no nftables at all. */
function unlessMissing(error: unknown): string {
  const missing = error instanceof ProgramError ? error.errors.includes('No such file or directory') : isNotInstalled(error)
  if (!missing) throw error
  return ''
}

const isNotInstalled = (error: unknown): boolean =>
  error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
