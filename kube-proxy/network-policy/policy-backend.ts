/** Writes the chains of network policies into the kernel's mangle table, and the jump that leads to them. */
import { createIptablesBackend, runProgram, type Run } from '../backends/iptables.ts'
import type { Family } from '../service-ports.ts'
import { isPolicyChain, ROOT_CHAIN, type PolicyRules } from './compute-policy-rules.ts'

export interface PolicyBackend {
  /** From what the kernel holds (null: unknown) to these rules, in one transaction. No rules leave nothing behind. */
  replace(before: PolicyRules | null, rules: PolicyRules): Promise<void>
  /** False after someone flushed the table. */
  isIntact(): Promise<boolean>
}

const jump = ['-m', 'comment', '--comment', 'kubernetes network policies', '-j', ROOT_CHAIN]

export function createPolicyBackend(family: Family, run: Run = runProgram): PolicyBackend {
  const program = family === 'IPv6' ? 'ip6tables' : 'iptables'
  const iptables = (verb: string) => run([program, '-w', '5', '-t', 'mangle', verb, 'FORWARD', ...jump])
  const { apply } = createIptablesBackend({ family, run })
  const isLinked = () =>
    iptables('-C').then(
      () => true,
      () => false,
    )
  const inKernel = async () =>
    [...(await run([`${program}-save`, '-t', 'mangle'])).matchAll(/^:(\S+)/gm)]
      .map(([, chain]) => chain!)
      .filter(isPolicyChain)
      .map((chain) => `mangle/${chain}`)

  return {
    async replace(before, rules) {
      const known = before ? [...before.keys()] : await inKernel()
      if (known.length === 0 && rules.size === 0) return
      if (rules.size === 0 && (await isLinked())) await iptables('-D')
      const written = new Map([...rules].filter(([chain, lines]) => before?.get(chain)?.join('\n') !== lines.join('\n')))
      await apply({ written, removed: known.filter((chain) => !rules.has(chain)) })
      if (rules.size > 0 && !before?.size && !(await isLinked())) await iptables('-I')
    },
    isIntact: isLinked,
  }
}
