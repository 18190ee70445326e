/** A ClusterReader over a list of objects, which may change underneath: what tests of plugins and authorizers read. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { KubeObject, ObjectKey } from '../api/object.ts'
import type { ClusterReader } from './admission/plugin.ts'

export interface MemoryReader extends ClusterReader {
  /** Adds the object, or puts it in the place of the one with its name. */
  put(object: KubeObject): void
  remove(kind: KindName, key: ObjectKey): void
}

export function createMemoryReader(initial: readonly KubeObject[] = []): MemoryReader {
  const objects = new Map<string, KubeObject>()
  const keyOf = (kind: string, { namespace = '', name }: ObjectKey) => `${kind}/${namespace}/${name}`
  const put = (object: KubeObject) => void objects.set(keyOf(object.kind, object.metadata), object)
  for (const object of initial) put(object)
  return {
    put,
    remove: (kind, key) => void objects.delete(keyOf(kind, key)),
    get: <K extends KindName>(kind: K, key: ObjectKey) => objects.get(keyOf(kind, key)) as Kinds[K] | undefined,
    list: <K extends KindName>(kind: K, namespace?: string) =>
      [...objects.values()].filter(
        (object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace),
      ) as Kinds[K][],
  }
}
