/** Pure: eviction thresholds in upstream's notation, and which of them a look at the node meets. */
import { quantityFromInteger, quantityToString, quantityValue } from '../../api/quantity.ts'

export const signals = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const
export type Signal = (typeof signals)[number]

/** A share of the capacity, or a fixed amount. */
export type Amount = { share: number } | { quantity: number }

export interface Threshold {
  signal: Signal
  value: Amount
  /** 0 for a hard one. */
  graceMs: number
  minReclaim: Amount
}

export interface Observation {
  available: number
  capacity: number
}
export type Observations = ReadonlyMap<Signal, Observation>

export const defaultHard = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
}

export interface ThresholdFlags {
  hard: Readonly<Record<string, string>>
  soft: Readonly<Record<string, string>>
  /** Milliseconds by signal. */
  softGraceMs: Readonly<Record<string, number>>
  minReclaim: Readonly<Record<string, string>>
}

/** `memory.available<100Mi,nodefs.available<10%` */
export function parseThresholdList(text: string): Record<string, string> {
  const pairs = text.split(',').map((part) => part.trim())
  return Object.fromEntries(pairs.filter(Boolean).map((pair) => split(pair, '<')))
}

export function split(pair: string, separator: string): [string, string] {
  const at = pair.indexOf(separator)
  if (at <= 0) throw new Error(`Cannot read ${JSON.stringify(pair)}: it must be <signal>${separator}<value>`)
  return [pair.slice(0, at).trim(), pair.slice(at + separator.length).trim()]
}

/** A threshold of nothing, or of all, is none: that is how one is switched off. */
export function computeThresholds({ hard, soft, softGraceMs, minReclaim }: ThresholdFlags): Threshold[] {
  const make = ([name, text]: [string, string], graceMs: number): Threshold[] => {
    const signal = signals.find((known) => known === name)
    if (!signal) throw new Error(`Cannot read eviction thresholds: there is no signal ${JSON.stringify(name)}`)
    if (text === '0%' || text === '100%') return []
    const reclaim = minReclaim[signal]
    return [{ signal, value: parseAmount(text), graceMs, minReclaim: reclaim ? parseAmount(reclaim) : { quantity: 0 } }]
  }
  const softOnes = Object.entries(soft).flatMap((entry) => {
    const graceMs = softGraceMs[entry[0]]
    if (graceMs === undefined) throw new Error(`Cannot read eviction thresholds: grace period must be specified for ${entry[0]}`)
    return make(entry, graceMs)
  })
  return [...Object.entries(hard).flatMap((entry) => make(entry, 0)), ...softOnes]
}

function parseAmount(text: string): Amount {
  if (!text.endsWith('%')) return { quantity: quantityValue(text) }
  const share = Number(text.slice(0, -1)) / 100
  if (!(share >= 0 && share <= 1)) throw new Error(`Cannot read eviction thresholds: ${text} is not between 0% and 100%`)
  return { share }
}

export const amountOf = (amount: Amount, capacity: number): number =>
  'share' in amount ? Math.floor(amount.share * capacity) : amount.quantity

/** `above`: what was met before stays so until the minimum was reclaimed as well. */
export function meets(threshold: Threshold, observations: Observations, above = false): boolean {
  const seen = observations.get(threshold.signal)
  if (!seen) return false
  const limit = amountOf(threshold.value, seen.capacity) + (above ? amountOf(threshold.minReclaim, seen.capacity) : 0)
  return seen.available < limit
}

export type NodePressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

export const pressureOf = (signal: Signal): NodePressure =>
  signal === 'memory.available' ? 'MemoryPressure' : signal === 'pid.available' ? 'PIDPressure' : 'DiskPressure'

/** The resource's name in messages. */
export const resourceOf = (signal: Signal): string =>
  signal === 'memory.available'
    ? 'memory'
    : signal === 'pid.available'
      ? 'pids'
      : signal.endsWith('inodesFree')
        ? 'inodes'
        : 'ephemeral-storage'

export const amountText = (signal: Signal, value: number): string =>
  quantityToString(
    quantityFromInteger(value, signal.endsWith('inodesFree') || signal === 'pid.available' ? 'DecimalSI' : 'BinarySI'),
  )

/** Memory goes first: nothing else fails as fast. */
export const byUrgency = (a: Threshold, b: Threshold): number =>
  Number(b.signal === 'memory.available') - Number(a.signal === 'memory.available')
