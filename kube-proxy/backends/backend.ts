/** What a proxier needs of that which keeps its rules in the kernel: one for each address family. */
import type { PortRules } from '../compute-rules.ts'
import type { NodePortAddresses } from '../local-addresses.ts'

export type ProxyMode = 'iptables' | 'nftables'

export interface Backend {
  mode: ProxyMode
  /** Rejects where the kernel or the machine has no such thing. */
  probe(): Promise<void>
  /** From the next `write` on the service has these rules; none take it away. */
  set(service: string, rules: readonly PortRules[]): void
  setNodePortAddresses(addresses: NodePortAddresses): void
  /**
   * Brings the kernel to what was set, writing only what differs from the last time; at no moment does a rule lead nowhere. After
   * a rejection, and before the first call, nothing is known of the kernel: all is written.
   */
  write(): Promise<Written>
  /** The next `write` takes nothing of the kernel for granted. */
  forget(): void
  /** False after someone flushed the tables. */
  isIntact(): Promise<boolean>
  /** Takes everything of ours out of the kernel again; nothing there is fine. */
  cleanUp(): Promise<void>
  /** How many rules there should be, by table; nothing where rules are not what counts. */
  ruleCounts(): ReadonlyMap<string, number>
}

export interface Written {
  /** Everything, not only what differed. */
  whole: boolean
  /** Chains, sets and elements written or removed. */
  parts: number
  /** Rules written, by table; nothing where rules are not what counts. */
  rules: ReadonlyMap<string, number>
}
