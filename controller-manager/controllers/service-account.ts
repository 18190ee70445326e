/** ServiceAccount: every namespace has the account `default`, which pods run as when they name no other. */
import { keyOf } from '../../api/object.ts'
import type { Namespace, ServiceAccount } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'

export const serviceAccount: Controller<'Namespace', boolean> = {
  name: 'serviceaccount-controller',
  for: 'Namespace',
  watches: [
    {
      kind: 'ServiceAccount',
      wakes: ({ metadata }: ServiceAccount) => (metadata.name === 'default' && metadata.namespace ? [metadata.namespace] : []),
    },
  ],
  observe: (namespace, cache) => cache.of('ServiceAccount').get(`${keyOf(namespace)}/default`) !== undefined,
  reconcile,
}

export function reconcile({ metadata, status }: Namespace, exists: boolean): Action[] {
  if (exists || metadata.deletionTimestamp || status?.phase === 'Terminating') return []
  return [
    { do: 'create', kind: 'ServiceAccount', object: { metadata: { name: 'default', namespace: metadata.name } }, existsOk: true },
  ]
}
