/**
 * All chains as they should be, kept service by service: a change costs what it touches. `changes` answers what differs from
 * what was written last, as whole chains. Pure but for what it remembers.
 */
import { fixedChains, nodePortJumps, SHARED_CHAINS } from './base-rules.ts'
import type { NodePortAddresses } from '../../local-addresses.ts'
import type { Family } from '../../service-ports.ts'
import type { ServiceChains, SharedChain } from './render-rules.ts'
import type { ChainChanges } from './tables.ts'

export interface RuleBook {
  /** Null takes the service's rules away. */
  set(service: string, rules: ServiceChains | null): void
  setNodePortAddresses(addresses: NodePortAddresses): void
  /** What to write to get from what was written to what should be; empty when nothing differs. */
  changes(): ChainChanges
  /** These changes are in the kernel now. */
  written(changes: ChainChanges): void
  /** Nothing is known of the kernel any more: the next `changes` holds every chain. */
  forget(): void
  /** Every chain that should be there. */
  chains(): ReadonlyMap<string, readonly string[]>
}

export function createRuleBook(family: Family): RuleBook {
  const services = new Map<string, ServiceChains>()
  const wanted = new Map<string, readonly string[]>(fixedChains(family))
  const dirty = new Set<string>(wanted.keys())
  const dirtyShared = new Set<SharedChain>(SHARED_CHAINS)
  const inKernel = new Map<string, readonly string[]>()
  let nodePortAddresses: NodePortAddresses = 'all'

  const put = (chain: string, lines: readonly string[]) => {
    if (sameLines(wanted.get(chain), lines)) return
    wanted.set(chain, lines)
    dirty.add(chain)
  }
  const rebuildShared = () => {
    for (const chain of dirtyShared) {
      const lines = [...services.values()].flatMap(({ shared }) => shared[chain] ?? [])
      if (chain === 'nat/KUBE-SERVICES') lines.push(...nodePortJumps(nodePortAddresses))
      put(chain, lines)
    }
    dirtyShared.clear()
  }

  return {
    set(service, rules) {
      const before = services.get(service)
      for (const chain of SHARED_CHAINS) if (!sameLines(before?.shared[chain], rules?.shared[chain])) dirtyShared.add(chain)
      for (const chain of before?.chains.keys() ?? []) {
        if (rules?.chains.has(chain)) continue
        wanted.delete(`nat/${chain}`)
        dirty.add(`nat/${chain}`)
      }
      for (const [chain, lines] of rules?.chains ?? []) put(`nat/${chain}`, lines)
      if (rules) services.set(service, rules)
      else services.delete(service)
    },
    setNodePortAddresses(addresses) {
      nodePortAddresses = addresses
      dirtyShared.add('nat/KUBE-SERVICES')
    },
    changes() {
      rebuildShared()
      const written = new Map<string, readonly string[]>()
      const removed: string[] = []
      for (const chain of dirty) {
        const lines = wanted.get(chain)
        if (lines && !sameLines(inKernel.get(chain), lines)) written.set(chain, lines)
        else if (!lines && inKernel.has(chain)) removed.push(chain)
      }
      return { written, removed }
    },
    written({ written, removed }) {
      for (const [chain, lines] of written) inKernel.set(chain, lines)
      for (const chain of removed) inKernel.delete(chain)
      for (const chain of dirty) {
        const lines = wanted.get(chain)
        if (lines ? sameLines(inKernel.get(chain), lines) : !inKernel.has(chain)) dirty.delete(chain)
      }
    },
    forget() {
      inKernel.clear()
      for (const chain of wanted.keys()) dirty.add(chain)
    },
    chains() {
      rebuildShared()
      return wanted
    },
  }
}

/** No chain and an empty one are not the same; no lines and an empty list of them in a shared chain are. */
function sameLines(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && a.length === b.length && a.every((line, index) => line === b[index])
}
