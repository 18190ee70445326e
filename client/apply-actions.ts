/** Carries out what a controller decided, in order, and remembers what it wrote so that the runner can wait to see it. */
import type { KindName } from '../api/kinds.ts'
import { keyOf, type KubeObject, type New, type ObjectKey } from '../api/object.ts'
import { isAlreadyExists, isForbidden, isNotFound } from '../api/status.ts'
import type { ApiClient } from './api-client.ts'
import type { Action } from './controller.ts'
import type { EventRecorder } from './event-recorder.ts'

/** A write that the cache should show before the same key is looked at again. */
export type Written =
  | { kind: KindName; key: string; resourceVersion: string; deletedUid?: undefined }
  /** The object with this UID is gone or on its way out; '' stands for any. */
  | { kind: KindName; key: string; deletedUid: string; resourceVersion?: undefined }

export interface ApplyContext {
  client: ApiClient
  recorder: EventRecorder
  /** The object version that woke the key. */
  cause: string | undefined
  signal: AbortSignal
  /** Called after each write that succeeded. */
  wrote: (written: Written) => void
  requeueAfter: (ms: number) => void
}

/** Stops at the first action that fails and rejects with its error. */
export async function applyActions(actions: readonly Action[], context: ApplyContext): Promise<void> {
  for (const action of actions) await applyAction(action, context)
}

async function applyAction(action: Action, context: ApplyContext): Promise<void> {
  const { client, recorder, cause, signal, wrote } = context
  switch (action.do) {
    case 'create':
      return applyCreate(action, context)
    case 'update': {
      const options = action.subresource ? { cause, signal, subresource: action.subresource } : { cause, signal }
      wrote(writtenOf(action.kind, await client.update(action.kind, action.object as never, options)))
      return
    }
    case 'patch': {
      const { kind, key, patch, type, subresource } = action
      wrote(writtenOf(kind, await client.patch(kind, key, patch, { type, subresource, cause, signal })))
      return
    }
    case 'delete':
      return applyDelete(action, context)
    case 'batch':
      return applyBatch(action.actions, context)
    case 'attempt':
      try {
        await applyActions(action.actions, context)
      } catch (error) {
        await applyActions(action.failed(error as Error), context)
        throw error
      }
      return
    case 'event':
      recorder.event(action.about, action.type, action.reason, action.message, { cause })
      return
    case 'requeue':
      context.requeueAfter(action.afterMs)
  }
}

const writtenOf = (kind: KindName, object: KubeObject): Written => ({
  kind,
  key: keyOf(object),
  resourceVersion: object.metadata.resourceVersion ?? '',
})

async function applyCreate(action: Action & { do: 'create' }, context: ApplyContext): Promise<void> {
  const { client, cause, signal } = context
  let created: KubeObject
  try {
    created = await client.create(action.kind, action.object as New<never>, { cause, signal })
  } catch (error) {
    if (action.existsOk && isAlreadyExists(error)) return
    throw error
  }
  context.wrote(writtenOf(action.kind, created))
  if (action.created) await applyActions(action.created(created), context)
}

async function applyDelete(action: Action & { do: 'delete' }, context: ApplyContext): Promise<void> {
  const { kind, key, uid, gracePeriodSeconds, propagationPolicy } = action
  const { client, cause, signal } = context
  const preconditions = uid === undefined ? undefined : { uid }
  try {
    await client.delete(kind, key, { gracePeriodSeconds, propagationPolicy, preconditions, cause, signal })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  context.wrote({ kind, key: keyText(key), deletedUid: uid ?? '' })
}

const keyText = ({ namespace, name }: ObjectKey) => (namespace ? `${namespace}/${name}` : name)

/**
 * Slow start: one, then two, then four at once, until one of a round fails. A quota that is used up then costs one
 * refused request, not one for each of a thousand pods.
 */
async function applyBatch(actions: readonly Action[], context: ApplyContext): Promise<void> {
  for (let done = 0, size = 1; done < actions.length; done += size, size *= 2) {
    const round = actions.slice(done, done + size)
    const results = await Promise.allSettled(round.map((action) => applyAction(action, context)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/** Creating in a namespace that is going away: it will never work, and the key is about to disappear itself. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isForbidden(error) && (error.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
