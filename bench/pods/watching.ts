/** Waiting for objects as a client does: by a watch, timed from the moment something is asked for. */
import type { Pod } from '../../api/generated/types.ts'
import type { KindName, Kinds } from '../../api/kinds.ts'
import type { New } from '../../api/object.ts'
import { isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'

const timeoutMs = 300_000

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false

/** Milliseconds from `act` until the watched objects of the namespace, by name, satisfy. */
export async function until<K extends KindName>(
  client: ApiClient,
  kind: K,
  namespace: string,
  satisfied: (objects: Map<string, Kinds[K]>) => boolean,
  act: () => Promise<unknown>,
): Promise<number> {
  const objects = new Map<string, Kinds[K]>()
  const { items, metadata } = await client.list(kind, { namespace })
  for (const item of items) objects.set(item.metadata.name, item)
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), timeoutMs)
  const watch = client.watch(kind, { namespace, resourceVersion: metadata.resourceVersion, signal: stop.signal })
  const began = performance.now()
  const acted = act()
  try {
    for await (const { type, object } of watch) {
      if (type === 'DELETED') objects.delete(object.metadata.name)
      else if (type !== 'BOOKMARK') objects.set(object.metadata.name, object)
      if (!satisfied(objects)) continue
      await acted
      return performance.now() - began
    }
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
  throw new Error(`Cannot measure: ${kind} in ${namespace} did not get there within ${timeoutMs} ms`)
}

/** Pods are refused until their namespace's account is there: a user's second command comes later than that. */
export async function makeNamespace(client: ApiClient, name: string): Promise<void> {
  await client.create('Namespace', { metadata: { name } } as New<Kinds['Namespace']>)
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await client.get('ServiceAccount', { namespace: name, name: 'default' })
      await client.get('ConfigMap', { namespace: name, name: 'kube-root-ca.crt' })
      return
    } catch (error) {
      if (!isNotFound(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Resolves when it is gone with all that was in it. */
export async function removeNamespace(client: ApiClient, name: string): Promise<void> {
  await client.delete('Namespace', { name })
  const { metadata, items } = await client.list('Namespace', { fieldSelector: `metadata.name=${name}` })
  if (items.length === 0) return
  const scope = {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: metadata.resourceVersion,
    signal: AbortSignal.timeout(timeoutMs),
  }
  for await (const { type } of client.watch('Namespace', scope)) if (type === 'DELETED') return
}

export async function inNamespace<T>(client: ApiClient, name: string, work: (namespace: string) => Promise<T>): Promise<T> {
  await makeNamespace(client, name)
  try {
    return await work(name)
  } finally {
    await removeNamespace(client, name)
  }
}
