import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod, ServiceSpec } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { createEndpointSliceController } from './endpoint-slice.ts'
import { createEndpointsController } from './endpoints.ts'
import { placeEndpoints } from './endpoints/slice-placement.ts'
import { shareOut } from './endpoints/zone-hints.ts'

const labels = { app: 'web' }
let endpointSlice: ReturnType<typeof createEndpointSliceController>
let endpoints: ReturnType<typeof createEndpointsController>

function withService(spec: Partial<ServiceSpec> = {}): Model {
  endpointSlice = createEndpointSliceController()
  endpoints = createEndpointsController()
  const model = createModel([endpointSlice, endpoints])
  model.add('Node', { metadata: { name: 'a', labels: { 'topology.kubernetes.io/zone': 'z1' } } })
  model.add('Service', {
    metadata: { namespace: 'default', name: 'web', labels: { team: 'x' } },
    spec: {
      selector: labels,
      clusterIP: '10.96.0.1',
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...spec,
    },
  })
  return model
}

let address = 0
const addPod = (model: Model, changes: Partial<Pod> = {}, ready = true): Pod => {
  address++
  return model.add('Pod', {
    spec: { nodeName: 'a', containers: [] },
    status: {
      podIPs: [{ ip: `10.244.${address >> 8}.${address & 255}` }],
      podIP: `10.244.${address >> 8}.${address & 255}`,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
    ...changes,
    metadata: { namespace: 'default', generateName: 'web-', labels, ...changes.metadata },
  })
}

const endpointsOf = (model: Model) => model.list('EndpointSlice').flatMap((slice) => slice.endpoints ?? [])

describe('EndpointSlice', () => {
  it('gives a service without pods one empty slice', () => {
    const model = withService()
    model.settle(endpointSlice)
    expect(model.list('EndpointSlice')).toMatchObject([
      {
        addressType: 'IPv4',
        endpoints: [],
        metadata: {
          labels: {
            team: 'x',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
        },
      },
    ])
  })

  it('describes a pod with its port, node, zone and conditions', () => {
    const model = withService()
    const pod = addPod(model)
    model.settle(endpointSlice)
    expect(model.list('EndpointSlice')).toHaveLength(1)
    expect(model.list('EndpointSlice')[0]).toMatchObject({
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: [pod.status?.podIP],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'a',
          zone: 'z1',
          targetRef: { kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
        },
      ],
    })
  })

  it.each([
    ['not ready', {}, false, { ready: false, serving: false, terminating: false }, {}],
    [
      'terminating but serving',
      { metadata: { deletionTimestamp: 'x' } },
      true,
      { ready: false, serving: true, terminating: true },
      {},
    ],
    [
      'not ready, published anyway',
      {},
      false,
      { ready: true, serving: false, terminating: false },
      { publishNotReadyAddresses: true },
    ],
  ])('tells the conditions of a pod that is %s', (_, changes, ready, conditions, spec) => {
    const model = withService(spec)
    addPod(model, changes as never, ready)
    model.settle(endpointSlice)
    expect(endpointsOf(model)[0]?.conditions).toEqual(conditions)
  })

  it('finds named ports in each pod, and keeps pods with other numbers apart', () => {
    const model = withService({ ports: [{ port: 80, targetPort: 'web', protocol: 'TCP' }] })
    const container = (port: number) => ({ name: 'c', ports: [{ name: 'web', containerPort: port }] })
    addPod(model, { spec: { nodeName: 'a', containers: [container(8080)] } })
    addPod(model, { spec: { nodeName: 'a', containers: [container(9090)] } })
    model.settle(endpointSlice)
    expect(
      model
        .list('EndpointSlice')
        .map(({ ports }) => String(ports?.[0]?.port))
        .toSorted(),
    ).toEqual(['8080', '9090'])
  })

  it('marks slices of headless services and names pods under their subdomain', () => {
    const model = withService({ clusterIP: 'None' })
    addPod(model, { spec: { nodeName: 'a', containers: [], hostname: 'web-0', subdomain: 'web' } })
    model.settle(endpointSlice)
    expect(model.list('EndpointSlice')[0]?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '')
    expect(endpointsOf(model)[0]?.hostname).toBe('web-0')
  })

  it('puts a hundred in a slice, and touches only the slice of the pod that went', () => {
    const model = withService()
    for (let count = 0; count < 250; count++) addPod(model)
    model.settle(endpointSlice)
    const before = model.list('EndpointSlice')
    expect(before.map((slice) => slice.endpoints?.length)).toEqual([100, 100, 50])
    const [gone] = model.list('Pod')
    model.delete('Pod', `default/${gone!.metadata.name}`)
    expect(model.run(endpointSlice)).toBe(1)
    expect(model.list('EndpointSlice').filter((slice) => !before.includes(slice))).toHaveLength(1)
  })

  it.each([
    [undefined, undefined],
    ['PreferSameZone', { forZones: [{ name: 'z1' }] }],
    ['PreferSameNode', { forZones: [{ name: 'z1' }], forNodes: [{ name: 'a' }] }],
  ])('with traffic distribution %s hints at %j', (trafficDistribution, hints) => {
    const model = withService({ trafficDistribution })
    addPod(model)
    model.settle(endpointSlice)
    expect(endpointsOf(model)[0]?.hints).toEqual(hints)
  })

  it('leaves services alone that have no selector, and slices of others', () => {
    const model = withService({ selector: undefined })
    expect(model.run(endpointSlice)).toBe(0)
  })
})

describe('the placement of endpoints', () => {
  it('holds exactly what is wanted within capacity, and writes nothing once it does', () => {
    const contents = fc.uniqueArray(fc.nat(60), { maxLength: 30 })
    fc.assert(
      fc.property(contents, contents, (had, want) => {
        const options = { keyOf: String, equal: (a: number, b: number) => a === b, capacity: 5 }
        const slices = Array.from({ length: Math.ceil(had.length / 5) }, (_, index) => had.slice(index * 5, index * 5 + 5))
        const desired = new Map(want.map((key) => [String(key), key]))
        const { updated, emptied, created } = placeEndpoints(slices, (slice) => slice, desired, options)
        const next = [
          ...slices.filter((slice) => !emptied.includes(slice)).map((slice) => updated.get(slice) ?? slice),
          ...created,
        ]
        expect(next.flat().toSorted((a, b) => a - b)).toEqual(want.toSorted((a, b) => a - b))
        expect(next.every(({ length }) => length > 0 && length <= 5)).toBe(true)
        const again = placeEndpoints(next, (slice) => slice, desired, options)
        expect([again.updated.size, again.emptied.length, again.created.length]).toEqual([0, 0, 0])
      }),
    )
  })
})

describe('Endpoints', () => {
  it('lists ready and other addresses by port, and goes with its service', () => {
    const model = withService()
    const ready = addPod(model)
    const waiting = addPod(model, {}, false)
    addPod(model, { metadata: { deletionTimestamp: 'x' } as never })
    model.settle(endpoints)
    expect(model.get('Endpoints', 'default/web')).toMatchObject({
      subsets: [
        {
          addresses: [{ ip: ready.status?.podIP, nodeName: 'a', targetRef: { name: ready.metadata.name } }],
          notReadyAddresses: [{ ip: waiting.status?.podIP }],
          ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        },
      ],
    })
    model.delete('Service', 'default/web')
    model.apply(endpoints.gone?.({ namespace: 'default', name: 'web' }, model.cache) ?? [])
    expect(model.list('Endpoints')).toEqual([])
  })
})

describe('the time since when endpoints are out of date', () => {
  const annotation = 'endpoints.kubernetes.io/last-change-trigger-time'
  const timesOf = (model: Model) =>
    [...model.list('EndpointSlice'), ...model.list('Endpoints')].map(({ metadata }) => metadata.annotations?.[annotation])
  const becomeReady = (model: Model, { metadata }: Pod, lastTransitionTime: string) =>
    model.change('Pod', `default/${metadata.name}`, (pod) => {
      pod.status = { ...pod.status, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] }
    })

  it('is that of the service at first, then that of the earliest of the pods that changed', () => {
    const model = withService()
    const pods = [addPod(model, {}, false), addPod(model, {}, false)]
    model.settle(endpointSlice, endpoints)
    expect(timesOf(model)).toEqual(Array(2).fill(model.get('Service', 'default/web')?.metadata.creationTimestamp))
    becomeReady(model, pods[0]!, '2026-01-01T00:00:07Z')
    becomeReady(model, pods[1]!, '2026-01-01T00:00:05Z')
    model.settle(endpointSlice, endpoints)
    expect(timesOf(model)).toEqual(['2026-01-01T00:00:05Z', '2026-01-01T00:00:05Z'])
  })

  it('is taken away by a change that tells no time, and alone is no reason to write', () => {
    const model = withService()
    const pod = addPod(model)
    becomeReady(model, pod, '2026-01-01T00:00:05Z')
    model.settle(endpointSlice, endpoints)
    becomeReady(model, pod, '2026-01-01T00:00:09Z')
    expect(model.run(endpointSlice) + model.run(endpoints)).toBe(0)
    model.delete('Pod', `default/${pod.metadata.name}`)
    model.settle(endpointSlice, endpoints)
    expect(timesOf(model)).toEqual([undefined, undefined])
  })
})

describe('topology mode Auto', () => {
  const zoned = (counts: Record<string, number>) =>
    new Map(
      Object.entries(counts).flatMap(([zone, count]) => Array.from({ length: count }, (_, index) => [`${zone}${index}`, zone])),
    )
  const countsOf = (zones: Map<string, string> | string) =>
    typeof zones !== 'string' &&
    Object.fromEntries([...Map.groupBy(zones.values(), (zone) => zone)].map(([zone, all]) => [zone, all.length]).toSorted())
  const even = new Map([
    ['a', 0.5],
    ['b', 0.5],
  ])

  it.each([
    ['keeps endpoints in their zones while the shares allow', { a: 3, b: 3 }, { a: 3, b: 3 }],
    ['leaves a small difference as it is', { a: 7, b: 6 }, { a: 7, b: 6 }],
    ['gives what is too much to the zone that has too little', { a: 6, b: 1 }, { a: 4, b: 3 }],
    ['serves a zone that has none', { a: 4 }, { a: 2, b: 2 }],
    ['is impossible with fewer endpoints than zones', { a: 1 }, false],
    ['is impossible where a zone would be overloaded', { a: 2, b: 1 }, false],
  ])('%s', (_, counts, expected) => {
    expect(countsOf(shareOut(zoned(counts as Record<string, number>), even))).toEqual(expected)
  })

  it('is impossible when an endpoint is in no zone', () => {
    expect(shareOut(new Map([['x', undefined], ...zoned({ a: 2, b: 1 })]), even)).toBe(
      'One or more endpoints do not have a zone specified',
    )
  })

  it('never overloads a zone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(12), { minLength: 2, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 5, maxLength: 5 }),
        (counts, cpus) => {
          const total = counts.reduce((sum, _, index) => sum + cpus[index]!, 0)
          const shares = new Map(counts.map((_, index) => [`z${index}`, cpus[index]! / total]))
          const endpoints = zoned(Object.fromEntries(counts.map((count, index) => [`z${index}`, count])))
          const shared = countsOf(shareOut(endpoints, shares))
          if (!shared) return
          for (const [zone, share] of shares)
            expect(share * endpoints.size).toBeLessThanOrEqual((shared[zone] as number) * 1.2 + 1e-9)
        },
      ),
      { seed: 42 },
    )
  })

  it('hints by the processors of nodes that are ready, and not at all when that is switched off or a node does not tell its zone', () => {
    const model = withService()
    const node = (name: string, zone?: string) =>
      model.add('Node', {
        metadata: { name, labels: zone ? { 'topology.kubernetes.io/zone': zone } : {} },
        status: { allocatable: { cpu: '2' }, conditions: [{ type: 'Ready', status: 'True' }] },
      })
    node('b', 'z2')
    node('c', 'z1')
    model.change('Service', 'default/web', ({ metadata }) => {
      metadata.annotations = { 'service.kubernetes.io/topology-mode': 'Auto' }
    })
    for (let pod = 0; pod < 4; pod++) addPod(model, { spec: { nodeName: 'c', containers: [] } })
    model.settle(endpointSlice)
    const hinted = () => endpointsOf(model).map(({ hints }) => hints?.forZones?.[0]?.name)
    expect(hinted().toSorted()).toEqual(['z1', 'z1', 'z2', 'z2'])
    const enabled = 'TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4'
    model.change('Service', 'default/web', ({ metadata }) => void delete metadata.annotations)
    model.settle(endpointSlice)
    expect(hinted()).toEqual([undefined, undefined, undefined, undefined])
    model.change('Service', 'default/web', ({ metadata }) => {
      metadata.annotations = { 'service.kubernetes.io/topology-mode': 'Auto' }
    })
    model.settle(endpointSlice)
    node('d')
    model.settle(endpointSlice)
    expect(hinted()).toEqual([undefined, undefined, undefined, undefined])
    expect(model.events.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      enabled,
      'TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4',
      enabled,
      'TopologyAwareHintsDisabled: Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4',
    ])
  })
})
