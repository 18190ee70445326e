/** The node's heartbeat: a Lease in kube-node-lease, renewed every ten seconds. */
import type { Lease } from '../../api/generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../api/status.ts'
import { formatMicroTime } from '../../api/time.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'

export interface LeaseOptions {
  client: ApiClient
  clock: Clock
  logger: Logger
  nodeName: string
}

const namespace = 'kube-node-lease'
const durationSeconds = 40
const renewMs = 10_000
const retryMs = 1_000

/** Resolves when the signal aborts. */
export async function startLease({ client, clock, logger, nodeName }: LeaseOptions, signal: AbortSignal): Promise<void> {
  let held: Lease | undefined
  while (!signal.aborted) {
    try {
      held = await renew(client, nodeName, held, clock.now())
      await clock.sleep(renewMs, signal)
    } catch (error) {
      held = undefined
      // Until the node is there, its lease has no owner; the node lifecycle goes by the lease all the same.
      logger.debug('cannot renew the lease, trying again', { error: String(error) })
      await clock.sleep(retryMs, signal)
    }
  }
}

async function renew(client: ApiClient, name: string, held: Lease | undefined, now: Date): Promise<Lease> {
  const spec = { holderIdentity: name, leaseDurationSeconds: durationSeconds, renewTime: formatMicroTime(now) }
  const current = held ?? (await find(client, name))
  if (current) return client.update('Lease', { ...current, spec: { ...current.spec, ...spec } })
  const node = await client.get('Node', { name })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }]
  try {
    return await client.create('Lease', { metadata: { namespace, name, ownerReferences }, spec })
  } catch (error) {
    if (isAlreadyExists(error)) return client.get('Lease', { namespace, name })
    throw error
  }
}

async function find(client: ApiClient, name: string): Promise<Lease | undefined> {
  try {
    return await client.get('Lease', { namespace, name })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
