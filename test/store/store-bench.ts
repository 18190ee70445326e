/** What tests of stores are made of: objects of a resource of their own, and a record of what a watch told. */
import type { KubeObject } from '../../api/object.ts'
import type { ApiError } from '../../api/status.ts'
import type { Entry, Store, StoredResource, StoreEvent, WriteResult } from '../../apiserver/storage/store.ts'

export interface TestObject extends KubeObject {
  spec?: { nodeName?: string; count?: number; text?: string }
}

/** Objects of a resource that no other test touches. */
export interface Bench {
  prefix: string
  key: (name: string, namespace?: string) => string
  create: (name: string, spec?: TestObject['spec'], namespace?: string) => Promise<Entry>
  /** Reads, changes and writes until the write is taken, as every controller does. */
  change: (name: string, change: (spec: NonNullable<TestObject['spec']>) => void) => Promise<Entry>
}

let resources = 0

export const testResource = (prefix: string): StoredResource => ({
  prefix,
  namespaced: true,
  selectableFields: (object) => ({ 'spec.nodeName': (object as TestObject).spec?.nodeName ?? '' }),
  indexedFields: ['spec.nodeName'],
})

export const testObject = (name: string, spec?: TestObject['spec'], namespace = 'default'): TestObject => ({
  apiVersion: 'test/v1',
  kind: 'Thing',
  metadata: { name, namespace, uid: `uid-of-${name}`, labels: { app: name } },
  ...(spec && { spec }),
})

export function taken(result: WriteResult): Entry {
  if (!result.ok) throw new Error(`the write was refused: ${result.current?.key} is at ${result.current?.revision}`)
  return result.entry
}

export function openBench(store: Store, prefix = `/registry/test/things${++resources}/`): Bench {
  store.register(testResource(prefix))
  const key = (name: string, namespace = 'default') => `${prefix}${namespace}/${name}`
  return {
    prefix,
    key,
    create: async (name, spec, namespace) => taken(await store.create(key(name, namespace), testObject(name, spec, namespace))),
    async change(name, change) {
      let entry = store.get(key(name))
      for (;;) {
        if (!entry) throw new Error(`${name} is not there`)
        const object = structuredClone(entry.object()) as TestObject
        change((object.spec ??= {}))
        const result = await store.update(entry.key, object, entry.revision)
        if (result.ok) return result.entry
        entry = result.current
      }
    },
  }
}

/** `ADDED a@12`, short enough to compare whole histories. */
export const line = ({ type, entry, revision }: StoreEvent): string => `${type} ${entry.name}@${revision}`

export function record(store: Store, prefix: string, from: number) {
  const events: StoreEvent[] = []
  const ends: ApiError[] = []
  const subscription = store.watch(prefix, from, { onEvent: (event) => events.push(event), onEnd: (end) => ends.push(end) })
  return { events, ends, lines: () => events.map(line), close: () => subscription.close() }
}

/** Resolves when the condition holds after an event of the prefix, or holds already. */
export function until(store: Store, prefix: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const subscription = store.watch(prefix, store.revision(), {
      onEvent() {
        if (!holds()) return
        subscription.close()
        resolve()
      },
    })
  })
}
