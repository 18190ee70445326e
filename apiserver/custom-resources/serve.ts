/** Serves custom resources: follows their definitions, names them, has each taken into service and out of it, empties what is deleted. */
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Entry, Subscription } from '../storage/store.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { acceptNames, isTrue, statusWithNames, takenBy } from './accept-names.ts'
import { emptyResource, waitsForObjects } from './empty-resource.ts'
import { createInService } from './in-service.ts'

type Definition = CustomResourceDefinition

interface Known {
  definition: Definition
  /** The names that this server gave it, which may be ahead of its stored status. */
  accepted: CustomResourceDefinitionNames | undefined
}

/** Call it when the store has started. What there is is served when this returns. */
export function serveCustomResources(context: ApiContext): Subscription {
  const { store, logger } = context
  const prefix = prefixOfKind('CustomResourceDefinition')
  const service = createService(context)
  let subscription: Subscription | undefined
  let closed = false

  const guarded = (name: string, step: () => Promise<void> | void) => {
    const fail = (error: unknown) => logger.error('cannot serve a custom resource', { name, error })
    try {
      Promise.resolve(step()).catch(fail)
    } catch (error) {
      fail(error)
    }
  }
  const follow = () => {
    const entries = store.list(prefix)
    service.forgetAllBut(new Set(entries.map(({ name }) => name)))
    // Who has names keeps them, whoever comes first in the list.
    for (const entry of entries.toSorted((a, b) => Number(hasNames(b)) - Number(hasNames(a))))
      guarded(entry.name, () => service.take(entry))
    subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ type, entry }) =>
        guarded(entry.name, () => (type === 'DELETED' ? service.drop(entry.name) : service.take(entry))),
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

function createService(context: ApiContext) {
  const { store, now } = context
  const inService = createInService(context)
  const known = new Map<string, Known>()
  const emptying = new Set<string>()

  const othersIn = (group: string, name: string) =>
    [...known.values()].filter(({ definition }) => definition.spec.group === group && definition.metadata.name !== name)

  const nameIt = (definition: Definition, accepted: Known['accepted']) => {
    const { spec, metadata, status } = definition
    const others = othersIn(spec.group, metadata.name).flatMap((one) => one.accepted ?? [])
    // What is stored is what all servers go by; one's own word counts until it is.
    const naming = acceptNames(spec.names, acceptedNames(status) ?? accepted ?? {}, takenBy(others))
    return { naming, status: statusWithNames(definition, naming, toSeconds(now())) }
  }

  const take = async (entry: Entry): Promise<void> => {
    const stored = entry.object() as Definition
    const old = known.get(entry.name)
    const { naming, status } = nameIt(stored, old?.accepted)
    const definition = { ...stored, status } as Definition
    known.set(entry.name, { definition, accepted: naming.names })
    if (!old || !sameService(old.definition, definition)) inService.put(definition, old?.definition)
    if (old && !deepEqual(old.accepted, naming.names)) reconsider(stored.spec.group, entry.name)
    if (stored.metadata.deletionTimestamp) return end(entry, definition)
    // Another server may have said the same by now, or somebody has changed it: the event of that is on its way.
    if (status !== stored.status) await store.update(entry.key, definition as KubeObject, entry.revision)
  }

  const end = async ({ name, key }: Entry, definition: Definition): Promise<void> => {
    if (!waitsForObjects(definition) || emptying.has(name)) return
    emptying.add(name)
    try {
      await emptyResource(context, key, `/registry/${definition.spec.group}/${definition.spec.names.plural}/`)
    } finally {
      emptying.delete(name)
    }
  }

  /** Names have become free: who waits for them in the same group may have them. */
  const reconsider = (group: string, name: string) => {
    for (const { definition } of othersIn(group, name)) {
      if (isTrue(definition.status?.conditions, 'NamesAccepted')) continue
      const entry = store.get(`${prefixOfKind('CustomResourceDefinition')}${definition.metadata.name}`)
      if (entry) take(entry).catch((error: unknown) => context.logger.error('cannot name a custom resource', { error }))
    }
  }

  const drop = (name: string) => {
    const one = known.get(name)
    if (!one) return
    known.delete(name)
    inService.withdraw(one.definition)
    reconsider(one.definition.spec.group, name)
  }

  return {
    take,
    drop,
    forgetAllBut: (names: ReadonlySet<string>) => {
      for (const name of known.keys()) if (!names.has(name)) drop(name)
    },
  }
}

const hasNames = (entry: Entry): boolean => acceptedNames((entry.object() as Definition).status) !== undefined

/** A new definition has empty ones. */
const acceptedNames = (status: Definition['status']): CustomResourceDefinitionNames | undefined =>
  status?.acceptedNames?.plural ? status.acceptedNames : undefined

/** Conditions matter as far as they say whether and how it is served. */
const sameService = (a: Definition, b: Definition): boolean =>
  deepEqual(a.spec, b.spec) &&
  a.metadata.generation === b.metadata.generation &&
  deepEqual(a.status?.acceptedNames, b.status?.acceptedNames) &&
  deepEqual(a.status?.storedVersions, b.status?.storedVersions) &&
  ['Established', 'Terminating'].every((type) => isTrue(a.status?.conditions, type) === isTrue(b.status?.conditions, type))
