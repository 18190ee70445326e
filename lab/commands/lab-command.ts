/** What every lab command shares: which lab it means, and how it complains. */
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type LabDefinition, labNameComplaint, labPaths } from '../definition.ts'

export const DEFAULT_LAB = 'lab'

/** Adds a command to the program; `lab/commands.ts` lists them all. */
export type LabCommand = (program: Command) => void

export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('Cannot touch the lab: network namespaces and containers need root. Run it again with sudo')
}

export function assertLabName(name: string): void {
  const complaint = labNameComplaint(name)
  if (complaint) throw new Error(`Cannot use "${name}" as the name of a lab: ${complaint}`)
}

export function readDefinition(name: string): LabDefinition {
  assertLabName(name)
  const file = labPaths(name).definition
  if (!existsSync(file))
    throw new Error(`Cannot find the lab "${name}": it was never brought up, or deleted. 'kubelab up --lab ${name}' makes it`)
  return JSON.parse(readFileSync(file, 'utf8')) as LabDefinition
}

/** `1.2 s` */
export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** Columns as wide as their widest cell, three spaces between them. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  return `${[head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')}\n`
}
