/** The API server's own view of the cluster, parsed, for admission and authentication: its cache, never a request. */
import { kindInfo, type KindName, type Kinds } from '../api/kinds.ts'
import type { ClusterReader } from './admission/plugin.ts'
import { keyFor } from './served-resources.ts'
import type { Store } from './storage/store.ts'

export function prefixOfKind(kind: KindName): string {
  const { group, plural } = kindInfo(kind)
  return `/registry/${group || 'core'}/${plural}/`
}

export function createClusterReader(store: Store): ClusterReader {
  const prefixes = new Map<KindName, string>()
  const prefixOf = (kind: KindName): string => {
    let prefix = prefixes.get(kind)
    if (prefix === undefined) prefixes.set(kind, (prefix = prefixOfKind(kind)))
    return prefix
  }
  return {
    get: <K extends KindName>(kind: K, { namespace = '', name }: { namespace?: string | undefined; name: string }) =>
      store.get(keyFor(prefixOf(kind), namespace, name))?.object() as Kinds[K] | undefined,
    list: <K extends KindName>(kind: K, namespace?: string) =>
      store.list(prefixOf(kind), namespace ? { namespace } : {}).map((entry) => entry.object() as unknown as Kinds[K]),
  }
}
