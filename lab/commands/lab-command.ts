/** What every lab command shares: which lab it means, and how it complains. */
import type { Command } from 'commander'
import { callControl, isNobodyThere } from '../control.ts'
import { type LabDefinition, labNameComplaint } from '../definition.ts'
import { findLab, labNames } from '../known-labs.ts'

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
  const lab = findLab(name)
  if (lab) return lab
  const others = labNames()
  const hint = others.length > 0 ? `The labs of this machine: ${others.join(', ')}` : `'kubelab up${ofLab(name)}' makes it`
  throw new Error(`Cannot find the lab "${name}": it was never brought up, or deleted. ${hint}`)
}

/** What a command line needs to mean this lab. */
export const ofLab = (name: string) => (name === DEFAULT_LAB ? '' : ` --lab ${name}`)

/** Asks the supervisor of a lab that has to be running for it. */
export async function askRunning(lab: string, method: string, path: string): Promise<unknown> {
  try {
    return await callControl(lab, method, path)
  } catch (error) {
    if (isNobodyThere(error))
      throw new Error(`The lab "${lab}" is down. 'kubelab up${ofLab(lab)}' brings it up`, { cause: error })
    throw error
  }
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
