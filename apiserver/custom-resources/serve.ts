/** Serves custom resources: follows their definitions, takes each into service and out of it, and empties what is being deleted. */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import { storagePrefix, toStoredResource } from '../served-resources.ts'
import type { Entry, Store, Subscription, WriteResult } from '../storage/store.ts'
import { sameJson } from '../resources/same-json.ts'
import { toSeconds } from '../write-steps.ts'
import { toDefinition } from './to-definition.ts'

const FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

/** Call it when the store has started. What there is is served when this returns. */
export function serveCustomResources(context: ApiContext): Subscription {
  const { store, resources, logger } = context
  const prefix = prefixOfKind('CustomResourceDefinition')
  /** Storage prefixes by name of the definition. */
  const stored = new Map<string, string>()
  const emptying = new Set<string>()
  let subscription: Subscription | undefined
  let closed = false

  const withdraw = (definition: CustomResourceDefinition) => {
    const { spec, metadata } = definition
    resources.remove(spec.group, spec.names.plural)
    const where = stored.get(metadata.name)
    if (where) store.unregister(where)
    stored.delete(metadata.name)
  }
  const take = (definition: CustomResourceDefinition, before: CustomResourceDefinition | undefined) => {
    if (before && sameJson(before.spec, definition.spec) && stored.has(definition.metadata.name)) return
    const resource = toDefinition(definition)
    if (!resource) return withdraw(definition)
    // Watchers of what was served before must list again: the store ends them.
    withdraw(definition)
    store.register(toStoredResource(resource))
    stored.set(definition.metadata.name, storagePrefix(resource))
    resources.add(resource)
  }
  const onEntry = (entry: Entry, previous: Entry | undefined) => {
    const definition = entry.object() as CustomResourceDefinition
    try {
      take(definition, previous?.object() as CustomResourceDefinition | undefined)
    } catch (error) {
      return void logger.error('cannot serve a custom resource', { name: entry.name, error })
    }
    void finish(definition, entry).catch((error: unknown) =>
      logger.error('cannot write a custom resource definition', { name: entry.name, error }),
    )
  }
  const finish = async (definition: CustomResourceDefinition, entry: Entry) => {
    if (!definition.metadata.deletionTimestamp) return establish(context, definition, entry)
    if (emptying.has(entry.name)) return
    emptying.add(entry.name)
    try {
      await empty(context, definition, entry)
    } finally {
      emptying.delete(entry.name)
    }
  }
  const follow = () => {
    for (const entry of store.list(prefix)) onEntry(entry, undefined)
    subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ type, entry, previous }) => {
        if (type === 'DELETED') withdraw(entry.object() as CustomResourceDefinition)
        else onEntry(entry, previous)
      },
      onEnd: (reason) => {
        if (!closed && reason.code !== 503) follow()
      },
    })
  }
  follow()
  return {
    close: () => {
      closed = true
      subscription?.close()
    },
  }
}

type Condition = CustomResourceDefinitionCondition

/** Says that the names are taken and the resource is there. Another server may say it first: then there is nothing to do. */
async function establish({ store, now }: ApiContext, definition: CustomResourceDefinition, entry: Entry): Promise<void> {
  const time = toSeconds(now())
  const { conditions = [], storedVersions } = definition.status ?? {}
  const withCondition = (list: readonly Condition[], type: string, reason: string, message: string): Condition[] =>
    list.some((one) => one.type === type && one.status === 'True')
      ? [...list]
      : [...list.filter((one) => one.type !== type), { type, status: 'True', lastTransitionTime: time, reason, message }]
  const named = withCondition(conditions, 'NamesAccepted', 'NoConflicts', 'no conflicts found')
  const status = {
    ...definition.status,
    conditions: withCondition(named, 'Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    acceptedNames: definition.spec.names,
    storedVersions: storedVersions ?? definition.spec.versions.filter(({ storage }) => storage).map(({ name }) => name),
  }
  if (sameJson(status, definition.status)) return
  await store.update(entry.key, { ...definition, status } as KubeObject, entry.revision)
}

/** Its objects go first, those with finalizers in their own time; then the definition loses the finalizer that kept it. */
async function empty({ store, now }: ApiContext, { spec, metadata }: CustomResourceDefinition, { key }: Entry): Promise<void> {
  if (!metadata.finalizers?.includes(FINALIZER)) return
  const prefix = `/registry/${spec.group}/${spec.names.plural}/`
  await store.current()
  await Promise.all(store.list(prefix).map((entry) => removeOrMark(store, entry, toSeconds(now()))))
  await emptied(store, prefix)
  for (let entry = store.get(key); entry;) {
    const definition = entry.object()
    const finalizers = (definition.metadata.finalizers ?? []).filter((one) => one !== FINALIZER)
    const result =
      finalizers.length === 0
        ? await store.delete(key, entry.revision)
        : await store.update(key, { ...definition, metadata: { ...definition.metadata, finalizers } }, entry.revision)
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

/** Resolves when nothing is left, or when the resource or the server goes. */
function emptied(store: Store, prefix: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      subscription.close()
      resolve()
    }
    const look = () => {
      if (store.list(prefix).length === 0) done()
    }
    const subscription = store.watch(prefix, store.revision(), { onEvent: look, onEnd: done })
    look()
  })
}
