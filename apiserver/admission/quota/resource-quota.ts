/**
 * ResourceQuota: no write that passes lets a namespace use more than its quotas, however many come at once.
 *
 * Writes of one namespace are judged together, one batch at a time: the batch is charged to a copy of the quotas, and each
 * quota that changed is written once, by compare-and-swap on its status. Another API server that was faster makes that fail;
 * the batch is then judged anew by what it stored. That is upstream's protocol, and what makes it exact across servers.
 */
import type { ResourceQuota } from '../../../api/generated/types.ts'
import { conflict } from '../../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.ts'
import { createBatches } from './batches.ts'
import { charge, type Write } from './charge.ts'
import { createNewestQuotas, type NewestQuotas } from './newest-quotas.ts'
import { changesOnUpdate } from './usage.ts'
import { refuse } from '../refuse.ts'

const ATTEMPTS = 8
const NOT_COUNTED = new Set(['events', 'bindings', 'namespaces'])

interface Waiter {
  attributes: AdmissionAttributes
  context: AdmissionContext
  resolve: () => void
  reject: (error: Error) => void
}

export function createResourceQuota(): AdmissionPlugin {
  const newest = createNewestQuotas()
  const batches = createBatches<Waiter>((namespace, batch) =>
    settle(newest, namespace, batch).catch((error: unknown) => {
      for (const waiter of batch) waiter.reject(error as Error)
    }),
  )
  return {
    name: 'ResourceQuota',
    handles: (attributes) => isCounted(attributes),
    validate(attributes, context) {
      const { namespace } = attributes
      if (context.reader.list('ResourceQuota', namespace).length === 0) return undefined
      return new Promise<void>((resolve, reject) => batches.add(namespace, { attributes, context, resolve, reject }))
    },
  }
}

/** Every waiter hears, unless this rejects. */
async function settle(newest: NewestQuotas, namespace: string, batch: readonly Waiter[]): Promise<void> {
  const { context } = batch[0]!
  let quotas = newest.of(context.reader.list('ResourceQuota', namespace))
  let undecided = batch
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { after, charged } = judge(quotas, undecided)
    const changed = after.filter((quota) => !quotas.includes(quota))
    const failed = await store(newest, changed, context)
    if (failed.length === 0) {
      for (const waiter of charged) waiter.resolve()
      return
    }
    // What fitted the other quotas is stored there: only those that somebody else changed are looked at again.
    const now = (await context.consistent()).list('ResourceQuota', namespace)
    quotas = newest.of(now).filter(({ metadata }) => failed.includes(metadata.name))
    undecided = charged
  }
  for (const { reject } of undecided) reject(conflict('', 'resourcequotas', quotas[0]?.metadata.name ?? ''))
}

/** Answers the names of those that somebody else has written meanwhile. */
async function store(newest: NewestQuotas, changed: readonly ResourceQuota[], context: AdmissionContext): Promise<string[]> {
  const failed: string[] = []
  for (const quota of changed) {
    const written = await context.updateQuotaStatus(quota)
    if (written) newest.remember(written)
    else {
      newest.forget(quota)
      failed.push(quota.metadata.name)
    }
  }
  return failed
}

function isCounted({ operation, namespace, resource, group, subresource }: AdmissionAttributes): boolean {
  if (namespace === '' || NOT_COUNTED.has(resource)) return false
  const counted = { group, resource }
  if (subresource !== '') return operation === 'UPDATE' && subresource === 'resize' && resource === 'pods' && group === ''
  if (operation === 'UPDATE') return changesOnUpdate(counted) && resource !== 'pods'
  return operation === 'CREATE'
}

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
