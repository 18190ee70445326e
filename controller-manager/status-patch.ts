/** The write that brings a status to what was computed: nothing when it is there already, else only the fields that differ. */
import type { KindName } from '../api/kinds.ts'
import type { KubeObject } from '../api/object.ts'
import type { Action } from '../client/controller.ts'
import { semanticEqual } from './semantic-equal.ts'

/** Go leaves zeros out of most statuses. */
export const nonZero = (count: number): number | undefined => (count === 0 ? undefined : count)

const targetOf = (object: KubeObject) => ({
  kind: object.kind as KindName,
  key: { namespace: object.metadata.namespace, name: object.metadata.name },
})

/** The UID inside the patch keeps it from landing on a later object of the same name. */
export const mergePatch = (
  object: KubeObject,
  change: { metadata?: Record<string, unknown>; [field: string]: unknown },
  subresource?: string,
): Action => ({
  do: 'patch',
  ...targetOf(object),
  type: 'application/merge-patch+json',
  patch: { ...change, metadata: { uid: object.metadata.uid, ...change.metadata } },
  ...(subresource ? { subresource } : {}),
})

/** The list is replaced whole, so only in the version that it was read in: others take theirs off as well. */
export const withFinalizers = (object: KubeObject, finalizers: readonly string[]): Action =>
  mergePatch(object, { metadata: { finalizers, resourceVersion: object.metadata.resourceVersion } })

export const withoutFinalizer = (object: KubeObject, finalizer: string): Action =>
  withFinalizers(object, object.metadata.finalizers?.filter((each) => each !== finalizer) ?? [])

export function updateStatus<S extends object>(object: KubeObject & { status?: S | undefined }, status: S): Action[] {
  const diff = mergeDiff({ ...object.status }, { ...(status as Record<string, unknown>) })
  return diff ? [mergePatch(object, { status: diff }, 'status')] : []
}

/** Conditions merge by their type: those of others stay as they are. */
export const mergeStatus = (object: KubeObject, status: object): Action => ({
  do: 'patch',
  ...targetOf(object),
  type: 'application/strategic-merge-patch+json',
  subresource: 'status',
  patch: { metadata: { uid: object.metadata.uid }, status },
})

export const remove = (object: KubeObject): Action => ({ do: 'delete', ...targetOf(object), uid: object.metadata.uid })

/** The merge patch from `old` to `wanted`, or null when they mean the same. Lists are replaced whole, maps key by key. */
export function mergeDiff(old: Record<string, unknown>, wanted: Record<string, unknown>): Record<string, unknown> | null {
  const diff: Record<string, unknown> = {}
  for (const field of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    const before = old[field]
    const after = wanted[field]
    if (semanticEqual(before, after)) continue
    // As Go writes it: without the empty parts of what is new.
    diff[field] = isMap(after) ? mergeDiff(isMap(before) ? before : {}, after) : isNothing(after) ? null : after
  }
  return Object.keys(diff).length > 0 ? diff : null
}

const isNothing = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0)

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
