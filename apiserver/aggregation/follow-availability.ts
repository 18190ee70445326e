/** Keeps the Available condition of APIServices: checks when something about one changes, and now and then. */
import type { APIService } from '../../api/generated/types.ts'
import { deepEqual, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Store, Subscription } from '../storage/store.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { checkAvailability, type Availability } from './check-availability.ts'
import type { RemoteServices } from './remote-services.ts'
import type { ProxyClient } from './remote-target.ts'

/** As upstream looks again when nothing has happened. */
const AGAIN_MS = 30_000
const FIRST_RETRY_MS = 500

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

interface Checked {
  running: boolean
  again: boolean
  failures: number
  timer: NodeJS.Timeout | undefined
  resources: unknown
  openapi: string | undefined
  openapiV2: JsonObject | undefined
}

type Parts = Pick<ApiContext, 'store' | 'admission' | 'logger' | 'now' | 'stopping'>

export function followAvailability(parts: Parts, remotes: () => RemoteServices, proxyClient: ProxyClient | undefined) {
  const { store, admission, logger, now, stopping } = parts
  const all = new Map<string, Checked>()
  const subscriptions: Subscription[] = []
  let generation = 0

  const check = (name: string) => {
    const checked = all.get(name) ?? {
      running: false,
      again: false,
      failures: 0,
      timer: undefined,
      resources: undefined,
      openapi: undefined,
      openapiV2: undefined,
    }
    all.set(name, checked)
    if (checked.running) {
      checked.again = true
      return
    }
    checked.running = true
    clearTimeout(checked.timer)
    void run(name, checked).finally(() => {
      checked.running = false
      if (stopping.aborted || all.get(name) !== checked) return
      if (checked.again) {
        checked.again = false
        return check(name)
      }
      const wait = checked.failures > 0 ? Math.min(FIRST_RETRY_MS * 2 ** checked.failures, AGAIN_MS) : AGAIN_MS
      checked.timer = setTimeout(() => check(name), wait).unref()
    })
  }
  const run = async (name: string, checked: Checked) => {
    const remote = remotes()
      .list()
      .find((one) => one.name === name)
    if (!remote) {
      clearTimeout(checked.timer)
      all.delete(name)
      generation++
      return
    }
    const found = await checkAvailability(admission.reader, remote, proxyClient, stopping)
    if (stopping.aborted) return
    checked.failures = found.status === 'True' ? 0 : checked.failures + 1
    if (found.resources) checked.resources = found.resources
    checked.openapi = found.openapi
    // A server that is away for a moment keeps its place in the document.
    if (found.openapiV2 && !deepEqual(found.openapiV2, checked.openapiV2)) {
      checked.openapiV2 = found.openapiV2
      generation++
    }
    await writeCondition(store, name, found, toSeconds(now())).catch((error: unknown) => {
      checked.failures++
      logger.error('cannot write the availability of an API', { name, error })
    })
  }
  /** A service or its endpoints have changed: whose they are is asked again. */
  const followKind = (kind: 'Service' | 'EndpointSlice') => {
    const prefix = prefixOfKind(kind)
    const subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ entry }) => {
        const known = remotes().list()
        if (known.length === 0) return
        const name = kind === 'Service' ? entry.name : entry.labels['kubernetes.io/service-name']
        for (const { spec, name: own } of known)
          if (spec.service.name === name && spec.service.namespace === entry.namespace) check(own)
      },
      onEnd: (reason) => {
        if (stopping.aborted || reason.code === 503) return
        for (const { name } of remotes().list()) check(name)
        followKind(kind)
      },
    })
    subscriptions.push(subscription)
  }
  const follower: AvailabilityFollower = {
    check,
    resources: (name) => all.get(name)?.resources,
    openapi: (name) => all.get(name)?.openapi,
    openapiV2: (name) => all.get(name)?.openapiV2,
    openapiV2Generation: () => generation,
    start() {
      followKind('Service')
      followKind('EndpointSlice')
    },
    close() {
      for (const { timer } of all.values()) clearTimeout(timer)
      for (const subscription of subscriptions) subscription.close()
    },
  }
  return follower
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
