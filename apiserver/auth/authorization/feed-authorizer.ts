/** Keeps the authorizer's index current: every role, binding and pod there is, then each change of them, from the store. */
import type { Logger } from '../../../component/logger.ts'
import { AUTHORIZATION_KINDS, type ClusterAuthorizer } from './authorizer.ts'
import { prefixOfKind } from '../../cluster-reader.ts'
import type { Entry, Store, Subscription } from '../../storage/store.ts'

export function feedAuthorizer(store: Store, authorizer: ClusterAuthorizer, logger: Logger): Subscription {
  const subscriptions = new Map<string, Subscription>()
  let closed = false
  const follow = (kind: (typeof AUTHORIZATION_KINDS)[number]) => {
    const prefix = prefixOfKind(kind)
    // The authorizer cares for pods that run on a node: the others need not be parsed.
    const matters = (entry: Entry) => kind !== 'Pod' || entry.fields['spec.nodeName'] !== ''
    for (const entry of store.list(prefix)) if (matters(entry)) authorizer.onChange(kind, entry.object(), 'ADDED')
    const subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ type, entry }) => {
        if (matters(entry)) authorizer.onChange(kind, entry.object(), type)
      },
      onEnd: (reason) => {
        if (closed || reason.code === 503) return
        // History was lost: what went away meanwhile is not known, so the whole state is handed over again.
        logger.warn('reading authorization state again', { kind, reason: reason.message })
        follow(kind)
      },
    })
    subscriptions.set(kind, subscription)
  }
  for (const kind of AUTHORIZATION_KINDS) follow(kind)
  return {
    close: () => {
      closed = true
      for (const subscription of subscriptions.values()) subscription.close()
    },
  }
}
