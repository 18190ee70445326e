/** What comes before a binding and the binding itself: claims get their volumes, then the pod gets its node. */
import type { PersistentVolumeClaim } from '../api/generated/types.ts'
import { keyOf, type ObjectKey } from '../api/object.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { Informer } from '../client/informer.ts'
import type { Profile } from './decide.ts'
import type { PodInfo } from './pod-info.ts'
import { isBound, type ClaimAction } from './volume-claims.ts'

export interface Binder {
  client: ApiClient
  claims: Informer<PersistentVolumeClaim>
}

/** Rejects when the pod could not be bound; nothing of it is undone on the server: claims that were bound stay usable. */
export async function bindPod(
  { client, claims }: Binder,
  pod: PodInfo,
  node: string,
  actions: readonly ClaimAction[],
  { plugins, volumesTimeoutMs = 600_000 }: Pick<Profile, 'plugins' | 'volumesTimeoutMs'>,
  cause: string | undefined,
): Promise<void> {
  if (actions.length > 0) {
    await Promise.all(actions.map((action) => bindClaim(client, action, cause)))
    const bound = await Promise.all(
      actions.map(({ claim }) => claims.whenObject(keyOf(claim), (object) => !object || isBound(object), volumesTimeoutMs)),
    )
    if (bound.includes(false)) throw new Error('binding volumes: timed out waiting for the condition')
  }
  for (const { plugin } of plugins) {
    const binding = plugin.bind?.(pod, node, client, cause) ?? null
    if (binding) return binding
  }
  throw new Error(`no bind plugin of the profile took the pod`)
}

async function bindClaim(client: ApiClient, action: ClaimAction, cause: string | undefined): Promise<void> {
  const { claim } = action
  const options = { type: 'application/merge-patch+json' as const, cause }
  if (action.do === 'provision') {
    if (Object.keys(action.annotations).length === 0) return
    await client.patch('PersistentVolumeClaim', toKey(claim), { metadata: { annotations: action.annotations } }, options)
    return
  }
  const { namespace, name, uid } = claim.metadata
  const { volume } = action
  // The revision makes two pods that chose the same volume at once notice.
  const patch = {
    metadata: {
      resourceVersion: volume.metadata.resourceVersion,
      annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
    },
    spec: { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid } },
  }
  await client.patch('PersistentVolume', { name: volume.metadata.name }, patch, options)
}

const toKey = ({ metadata: { namespace, name } }: PersistentVolumeClaim): ObjectKey => ({ namespace, name })
