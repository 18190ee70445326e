/**
 * ResourceQuota: no write that passes lets a namespace use more than its quotas, however many come at once.
 *
 * Writes of one namespace are judged together, one batch at a time: the batch is charged to a copy of the quotas, and each
 * quota that changed is written once, by compare-and-swap on its status. Another API server that was faster makes that fail;
 * the batch is then judged anew by what it stored. That is upstream's protocol, and what makes it exact across servers.
 */
import type { ResourceQuota } from '../../api/generated/types.ts'
import { conflict } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { charge, type Write } from './quota/charge.ts'
import { changesOnUpdate } from './quota/usage.ts'
import { refuse } from './refuse.ts'

const ATTEMPTS = 8
/** Beyond so many remembered quotas all are forgotten: that costs a retry each, no more. */
const REMEMBERED = 10_000
const NOT_COUNTED = new Set(['events', 'bindings', 'namespaces'])

interface Waiter {
  attributes: AdmissionAttributes
  resolve: () => void
  reject: (error: Error) => void
}

export function createResourceQuota(): AdmissionPlugin {
  const waiting = new Map<string, Waiter[]>()
  /** The newest version of each quota that this server stored: its cache may be a moment behind. */
  const stored = new Map<string, ResourceQuota>()

  function quotasOf(namespace: string, cached: readonly ResourceQuota[]): ResourceQuota[] {
    return cached.map((quota) => {
      const key = `${namespace}/${quota.metadata.name}`
      const own = stored.get(key)
      if (!own) return quota
      const isNewer = own.metadata.uid === quota.metadata.uid && revisionOf(own) > revisionOf(quota)
      if (!isNewer) stored.delete(key)
      return isNewer ? own : quota
    })
  }

  async function work(namespace: string, context: AdmissionContext): Promise<void> {
    for (let batch = take(namespace); batch.length > 0; batch = take(namespace)) {
      try {
        await settle(namespace, batch, context)
      } catch (error) {
        for (const waiter of batch) waiter.reject(error as Error)
      }
    }
  }

  /** Leaves an empty list behind while there is work, which tells newcomers that somebody is at it. */
  function take(namespace: string): Waiter[] {
    const batch = waiting.get(namespace) ?? []
    if (batch.length > 0) waiting.set(namespace, [])
    else waiting.delete(namespace)
    return batch
  }

  async function settle(namespace: string, batch: readonly Waiter[], context: AdmissionContext): Promise<void> {
    let quotas = quotasOf(namespace, context.reader.list('ResourceQuota', namespace))
    let undecided = batch
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { after, charged } = judge(quotas, undecided)
      const failed = await storeChanged(namespace, quotas, after, context)
      if (failed.length === 0) {
        for (const waiter of charged) waiter.resolve()
        return
      }
      // What fitted the other quotas is stored there: only those that somebody else changed are looked at again.
      const newest = (await context.consistent()).list('ResourceQuota', namespace)
      quotas = quotasOf(namespace, newest).filter(({ metadata }) => failed.includes(metadata.name))
      undecided = charged
    }
    for (const { reject } of undecided) reject(conflict('', 'resourcequotas', quotas[0]?.metadata.name ?? ''))
  }

  async function storeChanged(
    namespace: string,
    before: readonly ResourceQuota[],
    after: readonly ResourceQuota[],
    context: AdmissionContext,
  ): Promise<string[]> {
    const failed: string[] = []
    for (const quota of after.filter((one) => !before.includes(one))) {
      const written = await context.updateQuotaStatus(quota)
      const key = `${namespace}/${quota.metadata.name}`
      if (stored.size >= REMEMBERED) stored.clear()
      if (written) stored.set(key, written)
      else {
        stored.delete(key)
        failed.push(quota.metadata.name)
      }
    }
    return failed
  }

  return {
    name: 'ResourceQuota',
    handles: (attributes) => isCounted(attributes),
    validate(attributes, context) {
      const { namespace } = attributes
      if (context.reader.list('ResourceQuota', namespace).length === 0) return undefined
      return new Promise<void>((resolve, reject) => {
        const others = waiting.get(namespace)
        const waiter = { attributes, resolve, reject }
        if (others) others.push(waiter)
        else {
          waiting.set(namespace, [waiter])
          // Never rejects: each waiter hears its own error.
          void work(namespace, context)
        }
      })
    },
  }
}

function isCounted({ operation, namespace, resource, group, subresource }: AdmissionAttributes): boolean {
  if (namespace === '' || NOT_COUNTED.has(resource)) return false
  const counted = { group, resource }
  if (subresource !== '') return operation === 'UPDATE' && subresource === 'resize' && resource === 'pods' && group === ''
  if (operation === 'UPDATE') return changesOnUpdate(counted) && resource !== 'pods'
  return operation === 'CREATE'
}

const revisionOf = ({ metadata }: ResourceQuota): number => Number(metadata.resourceVersion ?? 0)

/** Answers the quotas as they would be, and who is charged in them. Everybody else has heard already. */
function judge(quotas: readonly ResourceQuota[], waiters: readonly Waiter[]): { after: ResourceQuota[]; charged: Waiter[] } {
  let after = [...quotas]
  const charged: Waiter[] = []
  for (const waiter of waiters) {
    const { attributes } = waiter
    const result = charge(after, toWrite(attributes))
    if ('refused' in result) waiter.reject(refuse(attributes, result.refused))
    else if (attributes.dryRun || !result.changed) waiter.resolve()
    else {
      after = result.quotas
      charged.push(waiter)
    }
  }
  return { after, charged }
}

const toWrite = ({ group, resource, object, oldObject, operation }: AdmissionAttributes): Write => ({
  counted: { group, resource },
  object: object!,
  ...(operation === 'UPDATE' && { oldObject }),
})
