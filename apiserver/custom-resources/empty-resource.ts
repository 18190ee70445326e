/** The end of a definition: its objects go first, those with finalizers in their own time, then the finalizer that kept it. */
import type { CustomResourceDefinition } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { toSeconds } from '../writes/write-steps.ts'
import type { Entry, WriteResult, Store } from '../storage/store.ts'
import { isTrue, withCondition } from './accept-names.ts'

const FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export const waitsForObjects = ({ metadata }: CustomResourceDefinition): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(FINALIZER) ?? false)

const IN_PROGRESS = 'InstanceDeletionInProgress'

/** Several servers may do this side by side: every step is one that the others see as done. */
export async function emptyResource(context: ApiContext, key: string, prefix: string): Promise<void> {
  const { store, now, stopping } = context
  const time = () => toSeconds(now())
  await change(store, key, (definition) => {
    if (!waitsForObjects(definition) || isTrue(definition.status?.conditions, 'Terminating')) return undefined
    return withTerminating(definition, 'True', IN_PROGRESS, 'CustomResource deletion is in progress', time())
  })
  for (;;) {
    await store.current()
    const entries = store.list(prefix)
    if (entries.length === 0) break
    await Promise.all(entries.map((entry) => removeOrMark(store, entry, time())))
    if (store.list(prefix).length > 0) await changeOf(store, prefix)
    if (stopping.aborted) return
  }
  await change(store, key, (definition) => {
    if (!waitsForObjects(definition)) return undefined
    const done = withTerminating(definition, 'False', 'InstanceDeletionCompleted', 'removed all instances', time())
    const finalizers = (definition.metadata.finalizers ?? []).filter((one) => one !== FINALIZER)
    return { ...done, metadata: { ...definition.metadata, finalizers } }
  })
}

function withTerminating(
  definition: CustomResourceDefinition,
  status: string,
  reason: string,
  message: string,
  time: string,
): CustomResourceDefinition {
  const conditions = withCondition(definition.status?.conditions ?? [], { type: 'Terminating', status, reason, message }, time)
  return { ...definition, status: { ...definition.status, conditions } }
}

/** Until it is stored, or there is nothing to change. What has no finalizer left is deleted. */
async function change(
  store: Store,
  key: string,
  next: (definition: CustomResourceDefinition) => CustomResourceDefinition | undefined,
): Promise<void> {
  for (let entry = store.get(key); entry;) {
    const definition = next(entry.object() as CustomResourceDefinition)
    if (!definition) return
    const goes = definition.metadata.finalizers?.length === 0
    const result: WriteResult = await (goes
      ? store.delete(key, entry.revision)
      : store.update(key, definition as KubeObject, entry.revision))
    if (result.ok) return
    entry = result.current
  }
}

async function removeOrMark(store: Store, first: Entry, time: string): Promise<void> {
  for (let entry: Entry | undefined = first; entry;) {
    const object: KubeObject = entry.object()
    const { metadata } = object
    const held = (metadata.finalizers?.length ?? 0) > 0
    if (held && metadata.deletionTimestamp) return
    const marked = { ...object, metadata: { ...metadata, deletionTimestamp: time, deletionGracePeriodSeconds: 0 } }
    const result: WriteResult = await (held
      ? store.update(entry.key, marked, entry.revision)
      : store.delete(entry.key, entry.revision))
    if (result.ok) return
    entry = result.current
  }
}

/** Resolves with the next event of the prefix, or when nothing more will be told of it. */
function changeOf(store: Store, prefix: string): Promise<void> {
  return new Promise((resolve) => {
    const subscription = store.watch(prefix, store.revision(), {
      onEvent: () => {
        subscription.close()
        resolve()
      },
      onEnd: () => resolve(),
    })
  })
}
