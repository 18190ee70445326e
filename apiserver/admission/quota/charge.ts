/** Charges one write to the quotas of its namespace, or says why it does not fit: pure. */
import type { ResourceQuota } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { canonicalQuantity, compareQuantity, quantityToString, subtractQuantity, type Quantity } from '../../../api/quantity.ts'
import { add, toAmounts, toList, type Amounts } from '../pods/pod-resources.ts'
import { isInScopes } from './scopes.ts'
import { computeUsage, isCountedBy, missingAmounts, type Counted } from './usage.ts'

export interface Write {
  counted: Counted
  object: KubeObject
  /** On an update: only what it adds is charged. */
  oldObject?: KubeObject | undefined
}

export type Charge = { quotas: ResourceQuota[]; changed: boolean } | { refused: string }

/** `quotas` stay as they are; those of the answer hold the new `status.used`. */
export function charge(quotas: readonly ResourceQuota[], write: Write): Charge {
  const concerned = quotas.filter((quota) => concerns(quota, write))
  for (const quota of concerned) {
    const refused = whyNotCountable(quota, write)
    if (refused !== null) return { refused }
  }
  const added = addedBy(write)
  const negative = [...added.keys()].filter((name) => added.get(name)!.nano < 0n).sort()
  if (negative.length > 0) return { refused: `quota usage is negative for resource(s): ${negative.join(',')}` }

  const charged: ResourceQuota[] = []
  let changed = false
  for (const quota of quotas) {
    const part = concerned.includes(quota) ? partFor(quota, added) : new Map<string, Quantity>()
    const refused = part.size > 0 ? whyExceeded(quota, part) : null
    if (refused !== null) return { refused }
    if (part.size > 0) changed = true
    charged.push(part.size > 0 ? withUsed(quota, part) : quota)
  }
  return { quotas: charged, changed }
}

const hardNames = ({ status }: ResourceQuota): string[] => Object.keys(status?.hard ?? {})

const concerns = (quota: ResourceQuota, { counted, object }: Write): boolean =>
  hardNames(quota).some((name) => isCountedBy(counted, name)) && isInScopes(quota, counted, object)

function whyNotCountable(quota: ResourceQuota, { counted, object, oldObject }: Write): string | null {
  const names = hardNames(quota).filter((name) => isCountedBy(counted, name))
  const { name } = quota.metadata
  const missing = oldObject ? null : missingAmounts(counted, object, names)
  if (missing !== null) return `failed quota: ${name}: ${missing}`
  // Its controller has not counted yet what is there.
  const isCounted = names.every((one) => quota.status?.used?.[one] !== undefined)
  return isCounted ? null : `status unknown for quota: ${name}, resources: ${names.sort().join(',')}`
}

/** On an update what shrinks is not given back here: the controller does that when it has seen it. */
function addedBy({ counted, object, oldObject }: Write): Amounts {
  const usage = computeUsage(counted, object)
  const before: Amounts = oldObject ? computeUsage(counted, oldObject) : new Map()
  const added: Amounts = new Map()
  for (const [name, amount] of usage) {
    const old = before.get(name)
    const difference = old ? subtractQuantity(amount, old) : amount
    const shown = old && difference.nano < 0n ? undefined : difference
    if (shown && shown.nano !== 0n) added.set(name, shown)
  }
  return added
}

function partFor(quota: ResourceQuota, added: Amounts): Amounts {
  const names = new Set(hardNames(quota))
  return new Map([...added].filter(([name]) => names.has(name)))
}

function whyExceeded(quota: ResourceQuota, part: Amounts): string | null {
  const used = toAmounts(quota.status?.used)
  const hard = toAmounts(quota.status?.hard)
  const total = add(used, part)
  const exceeded = [...part.keys()].filter((name) => compareQuantity(total.get(name)!, hard.get(name)!) > 0).sort()
  if (exceeded.length === 0) return null
  const show = (amounts: Amounts) => exceeded.map((name) => `${name}=${quantityToString(amounts.get(name)!)}`).join(',')
  return `exceeded quota: ${quota.metadata.name}, requested: ${show(part)}, used: ${show(used)}, limited: ${show(hard)}`
}

function withUsed(quota: ResourceQuota, part: Amounts): ResourceQuota {
  const used = quota.status?.used ?? {}
  const grown = toList(add(toAmounts(used), part))
  const next = Object.fromEntries(
    Object.keys({ ...used, ...grown }).map((name) => [name, grown[name] ?? canonicalQuantity(used[name]!)]),
  )
  return { ...quota, status: { ...quota.status, used: next } }
}
