/** ResourceQuota: what a namespace uses of what it may, counted anew when something goes; admission counts what comes. */
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../api/generated/types.ts'
import { keyOf, type KubeObject } from '../../api/object.ts'
import { addResourceLists, canonicalQuantity } from '../../api/quantity.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { runController, type ControllerContext } from '../../client/run-controller.ts'
import { resourceKey } from '../discovery.ts'
import type { MetadataMonitors } from '../metadata-monitors.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mergeDiff, mergePatch } from '../status-patch.ts'
import { claimUsage, hasScopes, isInScopes, podUsage, serviceUsage } from './resource-quota/usage.ts'

/** Counted whole, so that a lost event or a bug is no more than a passing error. */
const resyncMs = 5 * 60_000

export interface Observed {
  pods: Pod[]
  services: Service[]
  claims: PersistentVolumeClaim[]
  /** Number of objects of any resource: `deployments.apps`, `secrets`; undefined when there is no such resource. */
  countOf: (resource: string) => number | undefined
}

/** Names from before `count/` was there. */
const oldNames = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'])
const typed = new Set(['count/pods', 'count/services', 'count/persistentvolumeclaims'])

export const createResourceQuotaController = (monitors: MetadataMonitors): Controller<'ResourceQuota', Observed> => ({
  name: 'resourcequota-controller',
  for: 'ResourceQuota',
  // Admission counts an object before it is stored: counting anew because of that write would take it back.
  wakesOn: ({ spec, status }, old) => !semanticEqual(spec?.hard, old.spec?.hard) || !semanticEqual(spec?.hard, status?.hard),
  reads: ['Pod', 'Service', 'PersistentVolumeClaim'],
  observe: ({ metadata: { namespace = '' } }, cache) => ({
    pods: cache.of('Pod').list(namespace),
    services: cache.of('Service').list(namespace),
    claims: cache.of('PersistentVolumeClaim').list(namespace),
    countOf(name) {
      const resource = monitors.resources().find((each) => resourceKey(each) === name)
      return resource && monitors.count(resource, namespace)
    },
  }),
  reconcile,
})

export async function runResourceQuotaController(
  context: ControllerContext,
  monitors: MetadataMonitors,
  signal: AbortSignal,
): Promise<void> {
  const { informers } = context
  await monitors.whenSynced()
  const running = runController(createResourceQuotaController(monitors), context, signal)
  const wake = (namespace: string | undefined, concerns: (quota: ResourceQuota) => boolean = () => true) => {
    if (namespace === undefined) return
    for (const quota of informers.cache.of('ResourceQuota').list(namespace)) if (concerns(quota)) running.enqueue(keyOf(quota))
  }
  const added = (object: KubeObject) => wake(object.metadata.namespace, (quota) => mayBeUncounted(object, quota))
  // What comes was counted by admission already; what goes, and a pod that ends, only here.
  monitors.subscribe({
    put: (_, object, isNew) => void (isNew && added(object)),
    deleted: (_, { metadata }) => wake(metadata.namespace),
  })
  // Each watch tells at its own time: wake by the one whose cache is counted.
  const deleted = ({ metadata }: Pod | Service | PersistentVolumeClaim) => wake(metadata.namespace)
  const updated = (pod: Pod, old: Pod) => void (pod.status?.phase !== old.status?.phase && wake(pod.metadata.namespace))
  informers.informer('Pod').addHandlers({ added, updated, deleted })
  informers.informer('Service').addHandlers({ added, updated: deleted, deleted })
  informers.informer('PersistentVolumeClaim').addHandlers({ added, updated: deleted, deleted })
  await running.finished
}

/** What came before the quota, or with it (the quota itself), was not counted by admission; and was not seen, perhaps, by the first count. */
export const mayBeUncounted = ({ metadata }: KubeObject, quota: ResourceQuota): boolean =>
  (metadata.creationTimestamp ?? '') <= (quota.metadata.creationTimestamp ?? '')

export function reconcile(quota: ResourceQuota, observed: Observed): Action[] {
  if (quota.metadata.deletionTimestamp) return []
  const hard = quota.spec?.hard ?? {}
  const totals = totalUsage(quota, observed)
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, canonicalQuantity(amountOf(name, totals, observed))]))
  const diff = mergeDiff({ ...quota.status }, { hard, used })
  const again: Action = { do: 'requeue', afterMs: resyncMs }
  if (!diff) return [again]
  // Admission writes the same numbers: whoever is late must look again.
  return [mergePatch(quota, { status: diff, metadata: { resourceVersion: quota.metadata.resourceVersion } }, 'status'), again]
}

function totalUsage(quota: ResourceQuota, { pods, services, claims }: Observed): Record<string, string> {
  const counted = pods.filter((pod) => isInScopes(quota, pod)).map(podUsage)
  return hasScopes(quota)
    ? addResourceLists(...counted)
    : addResourceLists(...counted, ...services.map(serviceUsage), ...claims.map(claimUsage))
}

function amountOf(name: string, totals: Record<string, string>, { countOf }: Observed): string {
  const known = totals[name]
  if (known !== undefined) return known
  if (oldNames.has(name)) return String(countOf(name) ?? 0)
  if (name.startsWith('count/') && !typed.has(name)) return String(countOf(name.slice('count/'.length)) ?? 0)
  return '0'
}
