import { beforeEach, describe, expect, it } from 'vitest'
import type { ResourceQuota } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { createMemoryReader, type MemoryReader } from '../../memory-reader.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.ts'
import { createResourceQuota } from './resource-quota.ts'

const quota = (
  name: string,
  hard: Record<string, string>,
  used: Record<string, string> | undefined,
  spec: object = {},
): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1' },
    spec: { hard, ...spec },
    status: { hard, ...(used && { used }) },
  }) as unknown as KubeObject

/** A store with compare-and-swap, whose readers' caches catch up only when they ask. */
function createStore(...quotas: KubeObject[]) {
  const truth = createMemoryReader(quotas)
  let writes = 0
  const connect = (cache: MemoryReader): AdmissionContext => ({
    reader: cache,
    now: () => new Date(),
    authorizer: undefined as never,
    consistent: async () => {
      await Promise.resolve()
      for (const one of truth.list('ResourceQuota')) cache.put(one)
      return cache
    },
    updateQuotaStatus: async (wanted) => {
      await Promise.resolve()
      const current = truth.get('ResourceQuota', wanted.metadata)!
      if (current.metadata.resourceVersion !== wanted.metadata.resourceVersion) return undefined
      writes++
      const stored = {
        ...wanted,
        metadata: { ...wanted.metadata, resourceVersion: String(Number(current.metadata.resourceVersion) + 1) },
      }
      truth.put(stored)
      return stored
    },
  })
  return {
    server: () => ({ plugin: createResourceQuota(), context: connect(createMemoryReader(quotas)) }),
    used: (name: string) => (truth.get('ResourceQuota', { namespace: 'ns', name }) as ResourceQuota).status?.used,
    writes: () => writes,
  }
}

const pod = (resources: object = {}, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers: [{ name: 'c', resources }], ...spec },
  }) as unknown as KubeObject

const attributes = (object: KubeObject, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes => ({
  operation: 'CREATE',
  group: '',
  version: 'v1',
  resource: `${object.kind.toLowerCase()}s`,
  subresource: '',
  kind: object.kind,
  namespace: 'ns',
  name: object.metadata.name,
  object,
  user: { username: 'u', groups: [] },
  dryRun: false,
  warnings: [],
  ...more,
})

let store: ReturnType<typeof createStore>
let server: { plugin: AdmissionPlugin; context: AdmissionContext }
const useQuotas = (...quotas: KubeObject[]) => {
  store = createStore(...quotas)
  server = store.server()
}
const admit = async (object: KubeObject, more: Partial<AdmissionAttributes> = {}) => {
  const asked = attributes(object, more)
  if (server.plugin.handles(asked)) await server.plugin.validate?.(asked, server.context)
}

beforeEach(() => useQuotas(quota('q', { pods: '10', 'requests.cpu': '4' }, { pods: '0', 'requests.cpu': '0' })))

describe('ResourceQuota', () => {
  it('charges what a pod asks for', async () => {
    await admit(pod({ requests: { cpu: '500m' } }))
    await admit(pod({ requests: { cpu: '1500m' } }))
    expect(store.used('q')).toEqual({ pods: '2', 'requests.cpu': '2' })
  })

  it('refuses what does not fit, in upstream’s words, and charges nothing for it', async () => {
    await admit(pod({ requests: { cpu: '3' } }))
    await expect(admit(pod({ requests: { cpu: '2' } }))).rejects.toThrow(
      'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=3, limited: requests.cpu=4',
    )
    expect(store.used('q')).toEqual({ pods: '1', 'requests.cpu': '3' })
  })

  it('wants every container to state what the quota holds', async () => {
    await expect(admit(pod())).rejects.toThrow('pods "p" is forbidden: failed quota: q: must specify requests.cpu for: c')
  })

  it('lets nothing pass before the quota has been counted', async () => {
    useQuotas(quota('q', { pods: '10' }, undefined))
    await expect(admit(pod())).rejects.toThrow('status unknown for quota: q, resources: pods')
  })

  it('never passes the limit with fifty creates at once, and writes few times for them', async () => {
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => admit(pod({ requests: { cpu: '100m' } }))))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect(store.used('q')).toEqual({ pods: '10', 'requests.cpu': '1' })
    expect(store.writes()).toBeLessThanOrEqual(3)
  })

  it('never passes the limit across API servers whose caches are behind', async () => {
    const servers = [store.server(), store.server(), store.server()]
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, async (_, index) => {
        const { plugin, context } = servers[index % 3]!
        await plugin.validate?.(attributes(pod({ requests: { cpu: '100m' } })), context)
      }),
    )
    const passed = results.filter(({ status }) => status === 'fulfilled').length
    expect(passed).toBe(10)
    expect(store.used('q')).toEqual({ pods: '10', 'requests.cpu': '1' })
  })

  it('holds a pod to all quotas that concern it', async () => {
    useQuotas(quota('a', { pods: '5' }, { pods: '0' }), quota('b', { 'count/pods': '1' }, { 'count/pods': '0' }))
    await admit(pod())
    await expect(admit(pod())).rejects.toThrow(
      'exceeded quota: b, requested: count/pods=1, used: count/pods=1, limited: count/pods=1',
    )
  })

  it('charges nothing in a dry run, but refuses what would not fit', async () => {
    await admit(pod({ requests: { cpu: '4' } }), { dryRun: true })
    expect(store.used('q')).toEqual({ pods: '0', 'requests.cpu': '0' })
    await expect(admit(pod({ requests: { cpu: '5' } }), { dryRun: true })).rejects.toThrow('exceeded quota')
  })

  it.each([
    ['BestEffort', pod(), 1],
    ['BestEffort', pod({ requests: { cpu: '1' } }), 0],
    ['NotBestEffort', pod({ requests: { cpu: '1' } }), 1],
    ['Terminating', pod({}, { activeDeadlineSeconds: 5 }), 1],
    ['NotTerminating', pod({}, { activeDeadlineSeconds: 5 }), 0],
    ['PriorityClass', pod({}, { priorityClassName: 'high' }), 1],
    ['PriorityClass', pod(), 0],
  ])('counts by the scope %s', async (scope, object, pods) => {
    useQuotas(quota('q', { pods: '3' }, { pods: '0' }, { scopes: [scope] }))
    await admit(object)
    expect(store.used('q')).toEqual({ pods: String(pods) })
  })

  it('selects pods by their priority class', async () => {
    const scopeSelector = { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] }
    useQuotas(quota('q', { pods: '3' }, { pods: '0' }, { scopeSelector }))
    await admit(pod({}, { priorityClassName: 'low' }))
    await admit(pod({}, { priorityClassName: 'high' }))
    expect(store.used('q')).toEqual({ pods: '1' })
  })

  it('counts a service by its type, and only the difference when that changes', async () => {
    const names = { services: '5', 'services.nodeports': '3', 'services.loadbalancers': '1' }
    useQuotas(quota('q', names, { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' }))
    const service = (type: string) =>
      ({ kind: 'Service', metadata: { name: 's' }, spec: { type, ports: [{ port: 1 }, { port: 2 }] } }) as unknown as KubeObject
    await admit(service('NodePort'))
    expect(store.used('q')).toEqual({ services: '1', 'services.nodeports': '2', 'services.loadbalancers': '0' })
    await admit(service('LoadBalancer'), { operation: 'UPDATE', oldObject: service('NodePort') })
    expect(store.used('q')).toEqual({ services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' })
    await expect(admit(service('NodePort'))).rejects.toThrow(
      'services.nodeports=2, used: services.nodeports=2, limited: services.nodeports=3',
    )
  })

  it('counts storage by class', async () => {
    const name = 'fast.storageclass.storage.k8s.io/requests.storage'
    useQuotas(quota('q', { [name]: '10Gi' }, { [name]: '0' }))
    const claim = (storageClassName: string, storage: string) =>
      ({
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'c' },
        spec: { storageClassName, resources: { requests: { storage } } },
      }) as never
    await admit(claim('slow', '50Gi'))
    await admit(claim('fast', '6Gi'))
    expect(store.used('q')).toEqual({ [name]: '6Gi' })
    await expect(admit(claim('fast', '5Gi'))).rejects.toThrow(
      `exceeded quota: q, requested: ${name}=5Gi, used: ${name}=6Gi, limited: ${name}=10Gi`,
    )
  })

  it('counts objects of any kind', async () => {
    useQuotas(quota('q', { 'count/widgets.example.com': '1' }, { 'count/widgets.example.com': '0' }))
    const widget = { kind: 'Widget', metadata: { name: 'w' } } as unknown as KubeObject
    await admit(widget, { group: 'example.com' })
    await expect(admit(widget, { group: 'example.com' })).rejects.toThrow('widgets.example.com "w" is forbidden: exceeded quota')
  })
})
