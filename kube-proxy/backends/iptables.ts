/** Writes chains to the kernel with `iptables-restore --noflush`: one transaction a table, only what differs. */
import { spawn } from 'node:child_process'
import { canaryChain, canaryTables, JUMPS, type Jump, type Table } from '../base-rules.ts'
import { isServiceChain } from '../chain-names.ts'
import type { ChainChanges } from '../rule-book.ts'
import type { Family } from '../service-ports.ts'

export interface Backend {
  /** Writes these chains and removes those; rejects with nothing written when the kernel refuses any. */
  apply(changes: ChainChanges): Promise<void>
  /** Links our chains into the kernel's own, where they are not yet. Our chains must exist. */
  link(): Promise<void>
  /** Service chains in the kernel, as `nat/NAME`: leftovers of an earlier life among them. */
  serviceChains(): Promise<string[]>
  /** False after someone flushed the tables. */
  isIntact(): Promise<boolean>
  /** Takes everything of ours out of the kernel again. */
  cleanUp(): Promise<void>
}

export interface IptablesOptions {
  family: Family
  /** Runs a program and answers its output; rejects when it fails. A test may put `ip netns exec` before it. */
  run?: Run
}

export type Run = (command: readonly [string, ...string[]], input?: string) => Promise<string>

/** How long to wait for another program that holds the lock of the tables, in seconds. */
const lockWait = '5'

export function createIptablesBackend({ family, run = runProgram }: IptablesOptions): Backend {
  const prefix = family === 'IPv6' ? 'ip6tables' : 'iptables'
  const iptables = (table: Table, ...args: string[]) => run([prefix, '-w', lockWait, '-t', table, ...args])
  const restore = (input: string) => run([`${prefix}-restore`, '-w', lockWait, '--noflush'], input)
  const save = (table: Table) => run([`${prefix}-save`, '-t', table])

  return {
    async apply(changes) {
      const input = toRestoreInput(changes)
      if (input) await restore(input)
    },
    async link() {
      for (const jump of JUMPS) {
        const rule = splitRule(jump)
        const linked = await iptables(jump.table, '-C', jump.from, ...rule).then(
          () => true,
          () => false,
        )
        if (!linked) await iptables(jump.table, '-I', jump.from, ...rule)
      }
    },
    async serviceChains() {
      const text = await save('nat')
      return chainsIn(text)
        .filter(isServiceChain)
        .map((chain) => `nat/${chain}`)
    },
    async isIntact() {
      for (const table of canaryTables) {
        try {
          await iptables(table, '-S', canaryChain)
        } catch {
          return false
        }
      }
      return true
    },
    async cleanUp() {
      for (const jump of JUMPS) await iptables(jump.table, '-D', jump.from, ...splitRule(jump)).catch(() => {})
      for (const table of ['nat', 'filter', 'mangle'] as const) {
        const ours = chainsIn(await save(table)).filter((chain) => chain.startsWith('KUBE-'))
        if (ours.length > 0)
          await restore(toRestoreInput({ written: new Map(), removed: ours.map((chain) => `${table}/${chain}`) }))
      }
    },
  }
}

const chainsIn = (saved: string): string[] => [...saved.matchAll(/^:(\S+)/gm)].map(([, chain]) => chain!)

/** The comment of a jump has spaces in it. */
const splitRule = ({ match, to }: Jump): string[] => [
  ...[...match.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!),
  '-j',
  to,
]

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

export const runProgram: Run = ([program, ...args], input = '') =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    child.on('error', (error) => reject(new Error(`Cannot run ${program}: ${error.message}`, { cause: error })))
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output).toString())
      else reject(new ProgramError(program, code, Buffer.concat(errors).toString().trim()))
    })
    // A program that ends before it has read everything says why in its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })

export class ProgramError extends Error {
  override name = 'ProgramError'
  readonly code: number | null
  readonly errors: string

  constructor(program: string, code: number | null, errors: string) {
    super(`Cannot run ${program}: exit code ${code}: ${errors}`)
    this.code = code
    this.errors = errors
  }
}
