/** Writes the chains of network policies into the kernel's mangle table, and the jump that leads to them. */
import { createTables } from '../backends/iptables/tables.ts'
import { runProgram, type Run } from '../run-program.ts'
import type { Family } from '../service-ports.ts'
import { isPolicyChain, ROOT_CHAIN, type PolicyRules } from './compute-policy-rules.ts'

export interface PolicyBackend {
  /** From what the kernel holds (null: unknown) to these rules, in one transaction. No rules leave nothing behind. */
  replace(before: PolicyRules | null, rules: PolicyRules): Promise<void>
  /** False after someone flushed the table. */
  isIntact(): Promise<boolean>
}

const jump = ['FORWARD', '-m', 'comment', '--comment', 'kubernetes network policies', '-j', ROOT_CHAIN]

export function createPolicyBackend(family: Family, run: Run = runProgram): PolicyBackend {
  const { restore, chains, iptables, has } = createTables(family, run)
  const isLinked = () => has('mangle', '-C', ...jump)
  const inKernel = async () => (await chains('mangle')).filter(isPolicyChain).map((chain) => `mangle/${chain}`)

  return {
    async replace(before, rules) {
      const known = before ? [...before.keys()] : await inKernel()
      if (known.length === 0 && rules.size === 0) return
      if (rules.size === 0 && (await isLinked())) await iptables('mangle', '-D', ...jump)
      const written = new Map([...rules].filter(([chain, lines]) => before?.get(chain)?.join('\n') !== lines.join('\n')))
      await restore({ written, removed: known.filter((chain) => !rules.has(chain)) })
      if (rules.size > 0 && !before?.size && !(await isLinked())) await iptables('mangle', '-I', ...jump)
    },
    isIntact: isLinked,
  }
}
