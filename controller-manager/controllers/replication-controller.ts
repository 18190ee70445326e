/** ReplicationController: a replica set under its older name, with a plain map for a selector. */
import type { Pod, ReplicaSet, ReplicationController } from '../../api/generated/types.ts'
import type { Controller } from '../../client/controller.ts'
import { orphanIndex, orphansWake } from '../claim.ts'
import { isNamespaceTerminating, reconcile, type Observed } from './replica-set.ts'

export const replicationController: Controller<'ReplicationController', Observed> = {
  name: 'replicationcontroller-controller',
  for: 'ReplicationController',
  owns: ['Pod'],
  watches: [
    orphansWake('Pod', 'ReplicationController', (rc) => (rc.spec?.selector ? { matchLabels: rc.spec.selector } : undefined)),
  ],
  reads: ['Namespace'],
  indexes: { Pod: orphanIndex },
  observe({ metadata: { uid, namespace = '' } }, cache) {
    const owned: Pod[] = cache.of('Pod').controlledBy(uid)
    return {
      pods: [...owned, ...cache.of('Pod').byIndex('orphans', namespace)],
      related: owned,
      namespaceTerminating: isNamespaceTerminating(cache, namespace),
    }
  },
  reconcile: (rc, observed, now) => reconcile(asReplicaSet(rc), observed, now),
}

/** Kind and version stay: writes go where the object came from. */
function asReplicaSet(rc: ReplicationController): ReplicaSet {
  const { selector, template, ...spec } = rc.spec ?? {}
  const matchLabels = selector ?? template?.metadata?.labels
  return {
    ...rc,
    spec: { ...spec, ...(template ? { template } : {}), selector: matchLabels ? { matchLabels } : {} },
  } as ReplicaSet
}
