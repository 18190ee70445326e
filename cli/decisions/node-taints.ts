/** Taints from the command line, and what they make of a node's. Pure. */
import type { Taint } from '../../api/generated/types.ts'
import { isQualifiedName, isValidLabelValue } from '../../api/names.ts'
import { CliError } from '../errors.ts'

export interface TaintChanges {
  add: Taint[]
  /** Without an effect: whatever the effect. */
  remove: { key: string; effect?: string }[]
}

const EFFECTS = new Set(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
const HINT = "\nSee 'kubelab taint -h' for help and examples"

/** `key=value:effect` and `key:effect` add, `key-` and `key:effect-` take away; everything before the first of them names nodes. */
export function splitTaints(args: readonly string[]): { objects: string[]; specs: string[] } {
  const first = args.findIndex((arg) => arg.includes('=') || arg.includes(':') || arg.endsWith('-'))
  return first < 0 ? { objects: [...args], specs: [] } : { objects: args.slice(0, first), specs: args.slice(first) }
}

export function parseTaints(specs: readonly string[]): TaintChanges {
  const changes: TaintChanges = { add: [], remove: [] }
  for (const spec of specs) {
    if (spec.endsWith('-')) {
      const { key, effect } = parseTaint(spec.slice(0, -1))
      changes.remove.push({ key, ...(effect && { effect }) })
      continue
    }
    const taint = parseTaint(spec)
    if (!taint.effect) throw new CliError(`invalid taint spec: ${spec}, ${nameComplaint(spec)}${HINT}`)
    const { key, value = '', effect } = taint
    if (changes.add.some((other) => other.key === key && other.effect === effect))
      throw new CliError(`duplicated taints with the same key and effect: {${key} ${value} ${effect} <nil>}${HINT}`)
    changes.add.push(taint)
  }
  const both = changes.add.filter(({ key, effect }) => changes.remove.some((other) => matches(other, { key, effect })))
  if (both.length > 0)
    throw new CliError(
      `can not both modify and remove the following taint(s) in the same command: ${both.map(describeTaint).join(', ')}`,
    )
  return changes
}

const describeTaint = ({ key, value, effect }: Taint) => `${key}=${value ?? ''}:${effect}`

const nameComplaint = (text: string) => isQualifiedName(text.replace(/:.*/, ''))[0] ?? 'an effect is missing'

function parseTaint(text: string): Taint {
  const [pair = '', effect = '', ...more] = text.split(':')
  const [key = '', value, ...rest] = pair.split('=')
  if (more.length > 0 || rest.length > 0) throw new CliError(`invalid taint spec: ${text}${HINT}`)
  const [complaint] = [...isQualifiedName(key), ...(value ? isValidLabelValue(value) : [])]
  if (complaint) throw new CliError(`invalid taint spec: ${text}, ${complaint}${HINT}`)
  if (effect && !EFFECTS.has(effect)) throw new CliError(`invalid taint effect: ${effect}, unsupported taint effect${HINT}`)
  return { key, ...(value && { value }), effect }
}

const matches = (wanted: { key: string; effect?: string }, { key, effect }: Taint): boolean =>
  wanted.key === key && (wanted.effect === undefined || wanted.effect === effect)

export interface TaintedNode {
  taints: Taint[]
  outcome: 'tainted' | 'untainted' | 'modified'
}

/** Rejects what is there already, and what is not there to be taken away. */
export function applyTaints(
  node: string,
  current: readonly Taint[],
  { add, remove }: TaintChanges,
  overwrite: boolean,
): TaintedNode {
  const replaces = (taint: Taint) => current.some((other) => matches(taint, other))
  if (!overwrite && add.some(replaces))
    throw new CliError(`node ${node} already has a taint(s) with same effect(s) and --overwrite is false`)
  const missing = remove.filter((wanted) => !current.some((taint) => matches(wanted, taint)))
  if (missing.length > 0)
    throw new CliError(
      missing.map(({ key, effect }) => `taint ${JSON.stringify(effect ? `${key}:${effect}` : key)} not found`).join(', '),
    )
  const kept = current.filter((taint) => ![...remove, ...add].some((wanted) => matches(wanted, taint)))
  const outcome = add.length === 0 ? 'untainted' : remove.length > 0 || add.some(replaces) ? 'modified' : 'tainted'
  return { taints: [...add, ...kept], outcome }
}
