/** The pods that a pod belongs together with: those of its services and of the set that controls it. */
import type { Pod } from '../api/generated/types.ts'
import { createSelector, selectorFromSet, toSelector, type Selector } from '../api/labels.ts'
import { controllerOf } from '../api/object.ts'
import type { Cache } from '../client/cache.ts'

/** What all of them select, taken together; null when nothing does. */
export function selectOwnGroup(pod: Pod, cache: Cache): Selector | null {
  const selectors = [...servicesOf(pod, cache), ...setOf(pod, cache)]
  const requirements = selectors.flatMap((selector) => selector.requirements)
  return requirements.length === 0 ? null : createSelector(requirements)
}

const servicesOf = ({ metadata }: Pod, cache: Cache): Selector[] =>
  cache
    .of('Service')
    .list(metadata.namespace)
    .filter(({ spec }) => spec?.selector !== undefined && Object.keys(spec.selector).length > 0)
    .map(({ spec }) => selectorFromSet(spec!.selector))
    .filter((selector) => selector.matches(metadata.labels))

function setOf(pod: Pod, cache: Cache): Selector[] {
  const owner = controllerOf(pod)
  if (!owner) return []
  const key = { namespace: pod.metadata.namespace, name: owner.name }
  switch (owner.kind) {
    case 'ReplicaSet':
    case 'StatefulSet': {
      const set = cache.of(owner.kind).get(key)
      return set?.spec ? [toSelector(set.spec.selector)] : []
    }
    case 'ReplicationController': {
      const selector = cache.of('ReplicationController').get(key)?.spec?.selector
      return selector ? [selectorFromSet(selector)] : []
    }
    default:
      return []
  }
}
