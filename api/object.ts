/** What every stored object has, and the small questions that are asked of all of them. */
import type { ObjectMeta, OwnerReference } from './generated/types.ts'

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** An object before the API server has seen it: it has neither UID nor, with `generateName`, a name. */
export type New<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'> & {
  metadata: Partial<ObjectMeta>
  status?: unknown
}

/** Where an object lives. Cluster-scoped objects have no namespace. */
export interface ObjectKey {
  namespace?: string | undefined
  name: string
}

/** `namespace/name`, or `name` alone for cluster-scoped objects: the form queues and logs use. */
export const keyOf = ({
  metadata: { namespace, name },
}: {
  metadata: { namespace?: string | undefined; name: string }
}): string => (namespace ? `${namespace}/${name}` : name)

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find((owner) => owner.controller)

export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean => controllerOf(object)?.uid === owner.metadata.uid

export const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})
