/** The APIServices that other servers answer, by group and version, kept current by the store: what a request is looked up in. */
import type { APIService, APIServiceSpec } from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import type { Entry, Store, Subscription } from '../storage/store.ts'

export interface RemoteService {
  /** `v1beta1.metrics.k8s.io` */
  name: string
  group: string
  version: string
  spec: APIServiceSpec & { service: NonNullable<APIServiceSpec['service']> }
  available: boolean
}

export interface RemoteServices {
  /** Who answers this request when it is not this server. */
  find(info: RequestInfo): RemoteService | undefined
  list(): readonly RemoteService[]
  start(): void
  close(): void
}

/** `onChange` is told the name of an APIService, remote or not, that is new, gone, or has another spec. */
export function createRemoteServices(store: Store, logger: Logger, onChange: (name: string) => void): RemoteServices {
  const prefix = prefixOfKind('APIService')
  const byVersion = new Map<string, RemoteService>()
  let subscription: Subscription | undefined
  let closed = false

  const take = (entry: Entry) => {
    const remote = toRemote(entry.object() as APIService)
    if (remote) byVersion.set(`${remote.group}/${remote.version}`, remote)
    else drop(entry.name)
  }
  const drop = (name: string) => {
    for (const [key, remote] of byVersion) if (remote.name === name) byVersion.delete(key)
  }
  const follow = () => {
    byVersion.clear()
    for (const entry of store.list(prefix)) {
      take(entry)
      onChange(entry.name)
    }
    subscription = store.watch(prefix, store.revision(), {
      onEvent: ({ type, entry, previous }) => {
        if (type === 'DELETED') drop(entry.name)
        else take(entry)
        const generationOf = (one: Entry | undefined) => JSON.stringify((one?.object() as APIService | undefined)?.spec)
        if (type !== 'MODIFIED' || generationOf(entry) !== generationOf(previous)) onChange(entry.name)
      },
      onEnd: (reason) => {
        if (closed || reason.code === 503) return
        logger.warn('reading API services again', { reason: reason.message })
        follow()
      },
    })
  }
  return {
    find(info) {
      if (byVersion.size === 0) return undefined
      if (info.isResource) return byVersion.get(`${info.group}/${info.version}`)
      const path = info.path.startsWith('/openapi/v3/') ? info.path.slice('/openapi/v3'.length) : info.path
      const [, root, group, version, more] = path.split('/')
      return root === 'apis' && version && !more ? byVersion.get(`${group}/${version}`) : undefined
    },
    list: () => [...byVersion.values()],
    start: follow,
    close() {
      closed = true
      subscription?.close()
    },
  }
}

function toRemote({ metadata, spec, status }: APIService): RemoteService | undefined {
  const { service, group = '', version = '' } = spec
  if (!service) return undefined
  const available = status?.conditions?.some((one) => one.type === 'Available' && one.status === 'True') ?? false
  return { name: metadata.name, group, version, spec: { ...spec, service }, available }
}
