/** From the kubelet's flags to its eviction settings. */
import { parseDuration } from '../../api/duration.ts'
import type { EvictionSettings } from './evictor.ts'
import { computeThresholds, defaultHard, parseThresholdList, split } from './thresholds.ts'

export interface EvictionFlags {
  /** Undefined: upstream's defaults; empty: none. */
  hard: string | undefined
  soft: string
  softGrace: string
  minReclaim: string
  transitionMs: number
  maxPodGraceSeconds: number
}

const intervalMs = 10_000

const pairs = (text: string): [string, string][] =>
  text
    .split(',')
    .filter(Boolean)
    .map((pair) => split(pair, '='))

export const readEvictionSettings = (flags: EvictionFlags): EvictionSettings => ({
  thresholds: computeThresholds({
    hard: flags.hard === undefined ? defaultHard : parseThresholdList(flags.hard),
    soft: parseThresholdList(flags.soft),
    softGraceMs: Object.fromEntries(pairs(flags.softGrace).map(([signal, text]) => [signal, parseDuration(text)])),
    minReclaim: Object.fromEntries(pairs(flags.minReclaim)),
  }),
  transitionMs: flags.transitionMs,
  maxPodGraceSeconds: flags.maxPodGraceSeconds,
  intervalMs,
})
