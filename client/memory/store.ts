/** Objects in memory under an API server's rules of storage: revisions, generations, conflicts, and finalizers that hold. */
import { deepEqual } from '../../api/json.ts'
import { kindInfo, type KindName } from '../../api/kinds.ts'
import { keyOf, type KubeObject, type ObjectKey } from '../../api/object.ts'
import { alreadyExists, conflict, notFound } from '../../api/status.ts'
import { formatTime } from '../../api/time.ts'
import type { Change, ChangeLog } from './change-log.ts'

/** Takes what it is given as its own; what it answers is stored, and not to be changed. */
export interface MemoryStore {
  revision(): number
  list(kind: KindName): KubeObject[]
  /** Throws 404. */
  get(kind: KindName, key: ObjectKey): KubeObject
  /** Throws 409 where there is one of that name. */
  add(kind: KindName, object: KubeObject): KubeObject
  /** Throws 409 where `next` names another version. The last finalizer's end is that of an object which is being deleted. */
  replace(kind: KindName, old: KubeObject, next: KubeObject): KubeObject
  /** What finalizers hold is only marked, at this time. */
  remove(kind: KindName, next: KubeObject, old: KubeObject, now: Date): void
}

export function createMemoryStore(log: ChangeLog): MemoryStore {
  const kinds = new Map<KindName, Map<string, KubeObject>>()
  let revision = 1

  const objectsOf = (kind: KindName): Map<string, KubeObject> => {
    const known = kinds.get(kind)
    if (known) return known
    const made = new Map<string, KubeObject>()
    kinds.set(kind, made)
    return made
  }

  function commit(kind: KindName, type: Change['type'], object: KubeObject, old: KubeObject | undefined): KubeObject {
    revision++
    object.metadata.resourceVersion = String(revision)
    if (type === 'DELETED') objectsOf(kind).delete(keyOf(object))
    else objectsOf(kind).set(keyOf(object), object)
    log.append({ revision, kind, type, object, old })
    return object
  }

  return {
    revision: () => revision,
    list: (kind) => [...objectsOf(kind).values()],
    get(kind, key) {
      const object = objectsOf(kind).get(keyTextOf(kind, key))
      if (!object) throw notFound(kindInfo(kind).group, kindInfo(kind).plural, key.name)
      return object
    },
    add(kind, object) {
      const { group, plural } = kindInfo(kind)
      if (objectsOf(kind).has(keyOf(object))) throw alreadyExists(group, plural, object.metadata.name)
      return commit(kind, 'ADDED', object, undefined)
    },
    replace(kind, old, next) {
      const { group, plural } = kindInfo(kind)
      const expected = next.metadata.resourceVersion
      if (expected && expected !== old.metadata.resourceVersion) throw conflict(group, plural, old.metadata.name)
      keepIdentity(next, old)
      if (deepEqual(next, old)) return old
      if (old.metadata.deletionTimestamp && !isHeld(next)) return commit(kind, 'DELETED', next, old)
      if (!deepEqual(specOf(next), specOf(old))) next.metadata.generation = (old.metadata.generation ?? 1) + 1
      return commit(kind, 'MODIFIED', next, old)
    },
    remove(kind, next, old, now) {
      if (!isHeld(next)) commit(kind, 'DELETED', next, old)
      else if (!old.metadata.deletionTimestamp) {
        next.metadata.deletionTimestamp = formatTime(now)
        if (kind === 'Namespace') Object.assign(next, { status: { phase: 'Terminating' } })
        commit(kind, 'MODIFIED', next, old)
      }
    },
  }
}

/** As `keyOf`, for an object that is only named. */
export const keyTextOf = (kind: KindName, { namespace, name }: ObjectKey): string =>
  kindInfo(kind).namespaced && namespace ? `${namespace}/${name}` : name

/** No write changes who an object is, nor takes its deletion back. */
function keepIdentity(next: KubeObject, { metadata: old }: KubeObject): void {
  const { uid, creationTimestamp, deletionTimestamp, namespace, name, resourceVersion } = old
  next.metadata = { ...next.metadata, uid, creationTimestamp, deletionTimestamp, namespace, name, resourceVersion }
  for (const field of ['namespace', 'deletionTimestamp'] as const)
    if (next.metadata[field] === undefined) delete next.metadata[field]
}

/** Namespaces have finalizers of their own kind in the spec. */
const isHeld = (object: KubeObject & { spec?: { finalizers?: string[] } }): boolean =>
  Boolean(object.metadata.finalizers?.length) || (object.kind === 'Namespace' && Boolean(object.spec?.finalizers?.length))

const specOf = (object: KubeObject): unknown => ('spec' in object ? object.spec : undefined)
