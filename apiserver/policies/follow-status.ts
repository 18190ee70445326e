/** Keeps `status` of ValidatingAdmissionPolicies: which generation has been type-checked, and what there is to warn of. */
import type { ValidatingAdmissionPolicy } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Logger } from '../../component/logger.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Entry, Store, Subscription } from '../storage/store.ts'
import { typeCheckPolicy } from './type-check-policy.ts'

export interface StatusFollower {
  start(): void
  close(): void
}

/** Upstream has a controller for it, which fetches the schemas that are at hand here. Several servers write the same. */
export function followPolicyStatus(store: Store, resources: ServedResources, logger: Logger): StatusFollower {
  const prefix = prefixOfKind('ValidatingAdmissionPolicy')
  let subscription: Subscription | undefined
  let closed = false

  const check = async (entry: Entry): Promise<void> => {
    const policy = entry.object() as unknown as ValidatingAdmissionPolicy
    const { generation = 1 } = policy.metadata
    if (policy.status?.observedGeneration === generation) return
    const expressionWarnings = typeCheckPolicy(policy, resources)
    const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {}
    const status = { ...policy.status, observedGeneration: generation, typeChecking }
    // Who was faster has made an event, and that brings it here again.
    await store.update(entry.key, { ...policy, status } as unknown as KubeObject, entry.revision)
  }
  const take = (entry: Entry) => {
    check(entry).catch((error: unknown) => logger.error('cannot write the status of a policy', { name: entry.name, error }))
  }
  const follow = () => {
    store.list(prefix).forEach(take)
    subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ type, entry }) => {
        if (type !== 'DELETED') take(entry)
      },
      onEnd: (reason) => {
        if (closed || reason.code === 503) return
        logger.warn('reading admission policies again', { reason: reason.message })
        follow()
      },
    })
  }
  return {
    start: follow,
    close() {
      closed = true
      subscription?.close()
    },
  }
}
