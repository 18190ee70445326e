/**
 * Values that one service may hold at a time, across all API servers: each is a key in etcd of its own, made by create-if-absent.
 *
 * Cluster IPs are kept as IPAddress objects, as upstream keeps them; node ports as objects that the API does not show.
 */
import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../api/object.ts'
import type { Entry, Store } from '../storage/store.ts'

/** The service that holds a value. Names are enough: a service of the same name that comes later holds the same values or others. */
export interface Owner {
  namespace: string
  name: string
}

export interface Reservation {
  value: string
  owner: Owner
  since: Date
}

export interface Reservations {
  /** False when another has it, be it a service that this server has not heard of yet. */
  reserve(value: string, owner: Owner): Promise<boolean>
  /** Lets go of the value if `owner` holds it still. */
  release(value: string, owner: Owner): Promise<void>
  /** By what this server knows; `reserve` decides. */
  isHeld(value: string): boolean
  list(): Reservation[]
}

interface Form {
  prefix: string
  apiVersion: string
  kind: string
  labels?: (value: string) => Record<string, string>
  body: (owner: Owner) => object
  ownerOf: (object: KubeObject) => Owner | undefined
}

interface ParentRef {
  group?: string
  resource?: string
  namespace?: string
  name?: string
}

const IP_ADDRESSES: Form = {
  prefix: '/registry/networking.k8s.io/ipaddresses/',
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  labels: (value) => ({
    'ipaddress.kubernetes.io/ip-family': value.includes(':') ? 'IPv6' : 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  }),
  body: (owner) => ({ spec: { parentRef: { group: '', resource: 'services', ...owner } } }),
  ownerOf: (object) => {
    const { parentRef } = (object as KubeObject & { spec?: { parentRef?: ParentRef } }).spec ?? {}
    return parentRef?.resource === 'services' ? ownerFrom(parentRef) : undefined
  },
}

const NODE_PORTS: Form = {
  prefix: '/registry/ranges/servicenodeports/',
  apiVersion: 'internal.kubelab/v1',
  kind: 'NodePort',
  body: (owner) => ({ service: owner }),
  ownerOf: (object) => ownerFrom((object as KubeObject & { service?: ParentRef }).service ?? {}),
}

const ownerFrom = ({ namespace, name }: ParentRef): Owner | undefined => (namespace && name ? { namespace, name } : undefined)

export const createClusterIpReservations = (store: Store, now: () => Date): Reservations =>
  createReservations(store, IP_ADDRESSES, now)

/** Registers the keys with the store: call it before `store.start`. */
export function createNodePortReservations(store: Store, now: () => Date): Reservations {
  store.register({ prefix: NODE_PORTS.prefix, namespaced: false, selectableFields: () => ({}), indexedFields: [] })
  return createReservations(store, NODE_PORTS, now)
}

function createReservations(store: Store, form: Form, now: () => Date): Reservations {
  const keyOf = (value: string) => form.prefix + value
  return {
    reserve: async (value, owner) => {
      const result = await store.create(keyOf(value), toObject(form, value, owner, now()))
      return result.ok
    },
    release: (value, owner) => release(store, form, keyOf(value), owner),
    isHeld: (value) => store.get(keyOf(value)) !== undefined,
    list: () =>
      store.list(form.prefix).flatMap((entry) => {
        const object = entry.object()
        const owner = form.ownerOf(object)
        return owner ? [{ value: entry.name, owner, since: new Date(object.metadata.creationTimestamp ?? 0) }] : []
      }),
  }
}

const toObject = (form: Form, value: string, owner: Owner, now: Date): KubeObject => ({
  apiVersion: form.apiVersion,
  kind: form.kind,
  metadata: {
    name: value,
    uid: randomUUID(),
    creationTimestamp: `${now.toISOString().slice(0, 19)}Z`,
    ...(form.labels && { labels: form.labels(value) }),
  },
  ...form.body(owner),
})

async function release(store: Store, form: Form, key: string, owner: Owner): Promise<void> {
  let entry: Entry | undefined = store.get(key)
  if (!entry) {
    // Made a moment ago: the cache has not heard of it yet.
    await store.current()
    entry = store.get(key)
  }
  while (entry) {
    const holder = form.ownerOf(entry.object())
    if (holder?.namespace !== owner.namespace || holder.name !== owner.name) return
    const result = await store.delete(key, entry.revision)
    if (result.ok) return
    // Somebody touched it in between (a label, say): look at what it is now.
    entry = result.current
  }
}
