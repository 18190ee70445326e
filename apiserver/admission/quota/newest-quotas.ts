/** Quotas as this server stored them last: its cache may be a moment behind its own writes. */
import type { ResourceQuota } from '../../../api/generated/types.ts'
import { keyOf } from '../../../api/object.ts'

/** Beyond so many remembered quotas all are forgotten: that costs a retry each, no more. */
const REMEMBERED = 10_000

export interface NewestQuotas {
  /** Of each quota the newer of the version given and the one remembered. */
  of(quotas: readonly ResourceQuota[]): ResourceQuota[]
  remember(quota: ResourceQuota): void
  /** Somebody else has written it. */
  forget(quota: ResourceQuota): void
}

export function createNewestQuotas(): NewestQuotas {
  const stored = new Map<string, ResourceQuota>()
  return {
    of: (quotas) =>
      quotas.map((quota) => {
        const key = keyOf(quota)
        const own = stored.get(key)
        if (!own) return quota
        const isNewer = own.metadata.uid === quota.metadata.uid && revisionOf(own) > revisionOf(quota)
        if (!isNewer) stored.delete(key)
        return isNewer ? own : quota
      }),
    remember(quota) {
      if (stored.size >= REMEMBERED) stored.clear()
      stored.set(keyOf(quota), quota)
    },
    forget: (quota) => void stored.delete(keyOf(quota)),
  }
}

const revisionOf = ({ metadata }: ResourceQuota): number => Number(metadata.resourceVersion ?? 0)
