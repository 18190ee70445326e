/** Claims that pods use and volumes that claims use stay until nobody does: their finalizers go last. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { isFinished } from '../pods.ts'
import { withFinalizers, withoutFinalizer } from '../status-patch.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

/** Ephemeral volumes have claims named after pod and volume. */
const claimsOf = ({ metadata, spec }: Pod): string[] =>
  (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`]
  })

const claimIndex = { claims: (pod: Pod): readonly string[] => claimsOf(pod) }

export const claimProtection: Controller<'PersistentVolumeClaim', Pod[]> = {
  name: 'persistentvolumeclaim-protection-controller',
  for: 'PersistentVolumeClaim',
  watches: [{ kind: 'Pod', wakes: claimsOf }],
  indexes: { Pod: claimIndex },
  observe: ({ metadata }, cache) => cache.of('Pod').byIndex('claims', `${metadata.namespace}/${metadata.name}`),
  reconcile: (claim, pods) =>
    protect(
      claim,
      claimFinalizer,
      pods.some((pod) => !isFinished(pod) && pod.spec.nodeName !== undefined),
    ),
}

export const volumeProtection: Controller<'PersistentVolume', null> = {
  name: 'persistentvolume-protection-controller',
  for: 'PersistentVolume',
  observe: () => null,
  reconcile: (volume) => protect(volume, volumeFinalizer, volume.status?.phase === 'Bound'),
}

function protect(object: PersistentVolumeClaim | PersistentVolume, finalizer: string, used: boolean): Action[] {
  const { deletionTimestamp, finalizers = [] } = object.metadata
  const has = finalizers.includes(finalizer)
  if (deletionTimestamp && has && !used) return [withoutFinalizer(object, finalizer)]
  if (!deletionTimestamp && !has) return [withFinalizers(object, [...finalizers, finalizer])]
  return []
}
