/** Keeps the Available condition of APIServices: checks when something about one changes, and now and then. */
import type { APIService } from '../../api/generated/types.ts'
import { deepEqual, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Store, Subscription } from '../storage/store.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { checkAvailability, type Availability } from './check-availability.ts'
import { createRechecks, type Outcome } from './rechecks.ts'
import type { RemoteServices } from './remote-services.ts'
import type { ProxyClient } from './remote-target.ts'

export interface AvailabilityFollower {
  /** To be checked soon; once more when it is at it. */
  check(name: string): void
  /** What the server of this APIService serves, as it said last. */
  resources(name: string): unknown
  /** Where its OpenAPI document is, as far as it has one. */
  openapi(name: string): string | undefined
  /** Its OpenAPI v2 document, as far as it has one. */
  openapiV2(name: string): JsonObject | undefined
  /** Rises whenever one of these documents has become another. */
  openapiV2Generation(): number
  start(): void
  close(): void
}

/** What the last checks of an APIService have shown. */
interface Seen {
  resources?: unknown
  openapi?: string | undefined
  openapiV2?: JsonObject
}

type Parts = Pick<ApiContext, 'store' | 'admission' | 'logger' | 'now' | 'stopping'>

export function followAvailability(
  parts: Parts,
  remotes: () => RemoteServices,
  proxyClient: ProxyClient | undefined,
): AvailabilityFollower {
  const { store, admission, logger, now, stopping } = parts
  const all = new Map<string, Seen>()
  let generation = 0

  const look = async (name: string): Promise<Outcome> => {
    const remote = remotes()
      .list()
      .find((one) => one.name === name)
    if (!remote) {
      all.delete(name)
      generation++
      return 'gone'
    }
    const found = await checkAvailability(admission.reader, remote, proxyClient, stopping)
    if (stopping.aborted) return 'gone'
    const before = all.get(name)
    const resources = found.resources ?? before?.resources
    // A server that is away for a moment keeps its place in the document.
    const isNew = found.openapiV2 && !deepEqual(found.openapiV2, before?.openapiV2)
    if (isNew) generation++
    const openapiV2 = isNew ? found.openapiV2 : before?.openapiV2
    all.set(name, { resources, openapi: found.openapi, ...(openapiV2 && { openapiV2 }) })
    try {
      await writeCondition(store, name, found, toSeconds(now()))
    } catch (error) {
      logger.error('cannot write the availability of an API', { name, error })
      return 'failed'
    }
    return found.status === 'True' ? 'well' : 'failed'
  }

  const rechecks = createRechecks(look, stopping)
  const subscriptions: Subscription[] = []
  return {
    check: rechecks.check,
    resources: (name) => all.get(name)?.resources,
    openapi: (name) => all.get(name)?.openapi,
    openapiV2: (name) => all.get(name)?.openapiV2,
    openapiV2Generation: () => generation,
    start() {
      const follow = (kind: 'Service' | 'EndpointSlice') =>
        subscriptions.push(followBackends(kind, parts, remotes, rechecks.check, () => follow(kind)))
      follow('Service')
      follow('EndpointSlice')
    },
    close() {
      rechecks.close()
      for (const subscription of subscriptions) subscription.close()
    },
  }
}

/** A service or its endpoints have changed: whose they are is asked again; so are all when the watch has ended. */
function followBackends(
  kind: 'Service' | 'EndpointSlice',
  { store, stopping }: Parts,
  remotes: () => RemoteServices,
  check: (name: string) => void,
  onEnd: () => void,
): Subscription {
  return store.watch(prefixOfKind(kind), store.revision(), {
    onEvent: ({ entry }) => {
      const name = kind === 'Service' ? entry.name : entry.labels['kubernetes.io/service-name']
      for (const { spec, name: own } of remotes().list())
        if (spec.service.name === name && spec.service.namespace === entry.namespace) check(own)
    },
    onEnd: (reason) => {
      if (stopping.aborted || reason.code === 503) return
      for (const { name } of remotes().list()) check(name)
      onEnd()
    },
  })
}

/** What is said already is not written again; a change of mind by another server in between wins, and we look again later. */
async function writeCondition(store: Store, name: string, found: Availability, time: string): Promise<void> {
  const entry = store.get(`${prefixOfKind('APIService')}${name}`)
  if (!entry) return
  const service = entry.object() as APIService
  const conditions = service.status?.conditions ?? []
  const { status, reason, message } = found
  const before = conditions.find(({ type }) => type === 'Available')
  if (before?.status === status && before.reason === reason && before.message === message) return
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : time
  const condition = { type: 'Available', status, lastTransitionTime, reason, message }
  const others = conditions.filter(({ type }) => type !== 'Available')
  const next = { ...service, status: { ...service.status, conditions: [...others, condition] } }
  await store.update(entry.key, next as KubeObject, entry.revision)
}
