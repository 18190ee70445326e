/** Cluster IPs and node ports on a store: no value twice, nothing lost, nothing left behind. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Service } from '../../api/generated/types.ts'
import { ApiError } from '../../api/status.ts'
import { silentLogger } from '../../component/logger.ts'
import { createClusterReader } from '../cluster-reader.ts'
import { service as behaviour } from '../resources/service.ts'
import { RESOURCES } from '../resources.ts'
import { toStoredResource } from '../served-resources.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { repairReservations } from './repair.ts'
import { createClusterIpReservations, createNodePortReservations, type Reservations } from './reservations.ts'
import { createServiceAllocator, type ServiceAllocator } from './service-allocator.ts'

let store: MemoryStore
let services: ServiceAllocator
let clusterIPs: Reservations
let nodePorts: Reservations
let now = new Date('2026-01-01T00:00:00Z')

/** Servers share the store, and nothing else. */
const server = (serviceRanges = ['10.96.0.0/16'], nodePortRange = { first: 30_000, last: 32_767 }) =>
  createServiceAllocator({
    clusterIPs,
    nodePorts,
    reader: createClusterReader(store),
    serviceRanges,
    nodePortRange,
    logger: silentLogger,
    now: () => now,
  })

beforeEach(() => {
  now = new Date('2026-01-01T00:00:00Z')
  store = new MemoryStore()
  for (const definition of RESOURCES) {
    if (['Service', 'IPAddress', 'ServiceCIDR'].includes(definition.names.kind)) store.register(toStoredResource(definition))
  }
  clusterIPs = createClusterIpReservations(store, () => now)
  nodePorts = createNodePortReservations(store, () => now)
  services = server()
})

function make(name: string, spec: Partial<Service['spec']> = {}): Service {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: name },
    spec: structuredClone({ selector: { app: 'web' }, ports: [{ port: 80 }], ...spec }),
  } as Service
  behaviour.setDefaults!(service)
  behaviour.prepareForCreate!(service)
  return service
}

const keyOf = ({ metadata }: Service) => `/registry/core/services/${metadata.namespace}/${metadata.name}`

async function create(service: Service, through = services): Promise<Service> {
  const hold = await through.hold(service, undefined, false)
  const result = await store.create(keyOf(service), service)
  await (result.ok ? hold.commit() : hold.rollback())
  if (!result.ok) throw new Error('taken')
  return service
}

async function update(old: Service, change: (service: Service) => void): Promise<Service> {
  const service = structuredClone(old)
  change(service)
  behaviour.setDefaults!(service)
  behaviour.prepareForUpdate!(service, old)
  const hold = await services.hold(service, old, false)
  await store.update(keyOf(service), service, store.get(keyOf(old))!.revision)
  await hold.commit()
  return service
}

async function remove(service: Service): Promise<void> {
  const hold = await services.hold(undefined, service, false)
  await store.delete(keyOf(service), store.get(keyOf(service))!.revision)
  await hold.commit()
}

const heldIPs = () => clusterIPs.list().map(({ value }) => value)
const heldPorts = () => nodePorts.list().map(({ value }) => value)

async function complaintOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof ApiError) return error.message
    throw error
  }
  return ''
}

describe('cluster IPs', () => {
  test('a service gets one, with its family, and gives it back when it goes', async () => {
    const service = await create(make('web'))
    expect(service.spec.clusterIP).toMatch(/^10\.96\./)
    expect(service.spec).toMatchObject({
      clusterIPs: [service.spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    })
    expect(heldIPs()).toEqual([service.spec.clusterIP])
    const entry = store.get(`/registry/networking.k8s.io/ipaddresses/${service.spec.clusterIP}`)
    expect(entry?.object()).toMatchObject({
      metadata: { labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'web' } },
    })
    await remove(service)
    expect(heldIPs()).toEqual([])
  })

  test('one that is asked for is given to one service only', async () => {
    await create(make('a', { clusterIP: '10.96.0.10' }))
    expect(await complaintOf(create(make('b', { clusterIP: '10.96.0.10' })))).toBe(
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    )
    expect(await complaintOf(create(make('c', { clusterIP: '10.97.0.10' })))).toContain(
      'failed to allocate IP 10.97.0.10: the provided network does not match the current range',
    )
  })

  test.each([
    ['headless', { clusterIP: 'None' }, { ipFamilies: ['IPv4'] }],
    [
      'headless and without a selector',
      { clusterIP: 'None', selector: {} },
      { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ],
    ['an external name', { type: 'ExternalName', externalName: 'example.com' }, {}],
  ])('%s needs none', async (_, spec, expected) => {
    expect((await create(make('web', spec))).spec).toMatchObject(expected)
    expect(heldIPs()).toEqual([])
  })

  test('two families are for clusters that have both', async () => {
    expect(await complaintOf(create(make('a', { ipFamilyPolicy: 'RequireDualStack' })))).toContain(
      'this cluster is not configured for dual-stack services',
    )
    expect(await complaintOf(create(make('b', { ipFamilies: ['IPv6'] })))).toContain(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    )
    const both = server(['10.96.0.0/16', 'fd00::/112'])
    const service = await create(make('c', { ipFamilyPolicy: 'PreferDualStack' }), both)
    expect(service.spec.ipFamilies).toEqual(['IPv4', 'IPv6'])
    expect(service.spec.clusterIPs?.[1]).toMatch(/^fd00::/)
  })

  test('a second range helps when the first is full', async () => {
    services = server(['10.96.0.0/30'])
    await create(make('a'))
    await create(make('b'))
    expect(await complaintOf(create(make('c')))).toBe('Internal error occurred: failed to allocate a serviceIP: range is full')
    const cidr = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'more', uid: 'more' },
      spec: { cidrs: ['10.97.0.0/30'] },
    }
    await store.create('/registry/networking.k8s.io/servicecidrs/more', cidr)
    expect((await create(make('c'))).spec.clusterIP).toMatch(/^10\.97\.0\.[12]$/)
  })

  test('a change of type to an external name lets go of it', async () => {
    const service = await create(make('web', { type: 'NodePort' }))
    const changed = await update(service, ({ spec }) =>
      Object.assign(spec, { type: 'ExternalName', externalName: 'example.com' }),
    )
    expect(changed.spec.clusterIP).toBeUndefined()
    expect([heldIPs(), heldPorts()]).toEqual([[], []])
  })
})

describe('node ports', () => {
  test('each port gets one, shared by the protocols of one port', async () => {
    const spec = {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 53 },
        { name: 'b', port: 53, protocol: 'UDP' },
        { name: 'c', port: 80 },
      ],
    }
    const { ports } = (await create(make('dns', spec))).spec
    expect(ports![0]!.nodePort).toBe(ports![1]!.nodePort)
    expect(ports![2]!.nodePort).not.toBe(ports![0]!.nodePort)
    expect(heldPorts()).toHaveLength(2)
  })

  test('one that is asked for is given to one service only', async () => {
    await create(make('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }))
    expect(await complaintOf(create(make('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] })))).toBe(
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    )
    expect(await complaintOf(create(make('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })))).toContain(
      'provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
    // What the refused ones had taken by then is free again.
    expect(heldIPs()).toHaveLength(1)
  })

  test('they stay with an update that leaves them out, and go with the type', async () => {
    const service = await create(make('web', { type: 'NodePort' }))
    const nodePort = service.spec.ports![0]!.nodePort
    const kept = await update(service, ({ spec }) => (spec.ports = [{ port: 8080 }]))
    expect(kept.spec.ports![0]!.nodePort).toBe(nodePort)
    const gone = await update(kept, ({ spec }) => (spec.type = 'ClusterIP'))
    expect(gone.spec.ports![0]!.nodePort).toBeUndefined()
    expect(heldPorts()).toEqual([])
  })

  test('a local load balancer gets one for its health check', async () => {
    const service = await create(make('lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }))
    expect(service.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30_000)
    expect(heldPorts()).toHaveLength(2)
    const changed = await update(service, ({ spec }) => (spec.externalTrafficPolicy = 'Cluster'))
    expect(changed.spec.healthCheckNodePort).toBeUndefined()
    expect(heldPorts()).toHaveLength(1)
  })

  test('a load balancer that wants none gets none', async () => {
    await create(make('lb', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }))
    expect(heldPorts()).toEqual([])
  })
})

describe('many at once', () => {
  test('servers that race for a small range give each value once, and refuse the rest', async () => {
    const range = { first: 30_000, last: 30_019 }
    const servers = [server(['10.96.0.0/27'], range), server(['10.96.0.0/27'], range), server(['10.96.0.0/27'], range)]
    const all = Array.from({ length: 40 }, (_, i) => make(`s${i}`, { type: 'NodePort' }))
    const made = (await Promise.allSettled(all.map((service, i) => create(service, servers[i % 3]))))
      .filter((result) => result.status === 'fulfilled')
      .map(({ value }) => value)
    expect(made).toHaveLength(20)
    expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(20)
    expect(new Set(made.map(({ spec }) => spec.ports![0]!.nodePort)).size).toBe(20)
    expect(heldIPs().sort()).toEqual(made.map(({ spec }) => spec.clusterIP).sort())
  })

  test('a name that is taken gives back what the second one reserved', async () => {
    await create(make('web'))
    await expect(create(make('web'))).rejects.toThrow('taken')
    expect(heldIPs()).toHaveLength(1)
  })

  test('a dry run holds nothing and still sees what is taken', async () => {
    const service = make('web', { type: 'NodePort' })
    await (await services.hold(service, undefined, true)).commit()
    expect(service.spec.clusterIP).toMatch(/^10\.96\./)
    expect([heldIPs(), heldPorts()]).toEqual([[], []])
    await create(make('a', { clusterIP: '10.96.0.10' }))
    expect(await complaintOf(services.hold(make('b', { clusterIP: '10.96.0.10' }), undefined, true))).toContain(
      'already allocated',
    )
  })
})

describe('repair', () => {
  const repair = () =>
    repairReservations({
      clusterIPs,
      nodePorts,
      services: createClusterReader(store).list('Service'),
      logger: silentLogger,
      now: () => now,
    })

  test('gives back what no service uses, once a write can no longer be under way', async () => {
    await services.hold(make('ghost', { type: 'NodePort' }), undefined, false)
    await repair()
    expect(heldIPs()).toHaveLength(1)
    now = new Date(now.getTime() + 61_000)
    await repair()
    expect([heldIPs(), heldPorts()]).toEqual([[], []])
  })

  test('reserves again what a service uses', async () => {
    const service = await create(make('web', { type: 'NodePort' }))
    const key = `/registry/networking.k8s.io/ipaddresses/${service.spec.clusterIP}`
    await store.delete(key, store.get(key)!.revision)
    await repair()
    expect(heldIPs()).toEqual([service.spec.clusterIP])
  })
})
