import { describe, expect, it } from 'vitest'
import type { Node, Pod, Taint, Toleration } from '../../../api/generated/types.ts'
import { createModel } from '../../model.ts'
import { createNodeIpam } from '../node-ipam.ts'
import { createNodeLifecycle } from '../node-lifecycle.ts'
import { createPodGarbageCollector } from '../pod-garbage-collector.ts'
import { createServiceLoadBalancer } from '../service-load-balancer.ts'
import { createTaintEviction } from '../taint-eviction.ts'
import { fitsNode } from './affinity.ts'
import { zoneState } from './health.ts'
import { createRangeAllocator } from './range-allocator.ts'
import { toleratedSeconds } from './taints.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const noExecute: Taint = { key: 'k', value: 'v', effect: 'NoExecute' }

function withNodes(names: string[]) {
  const lifecycle = createNodeLifecycle({
    gracePeriodMs: 40_000,
    evictionRate: 0.1,
    secondaryEvictionRate: 0.01,
    largeZoneSize: 50,
    unhealthyThreshold: 0.55,
  })
  const eviction = createTaintEviction()
  const model = createModel([lifecycle, eviction])
  for (const name of names) {
    model.add('Node', {
      metadata: { name },
      status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' }] } as never,
    })
    model.add('Lease', { metadata: { namespace: 'kube-node-lease', name }, spec: { renewTime: '0' } })
  }
  const pass = (seconds: number, alive: string[]) => {
    model.now = new Date(start + seconds * 1000)
    for (const name of alive)
      model.change('Lease', `kube-node-lease/${name}`, ({ spec }) => void (spec.renewTime = String(seconds)))
    model.settle(lifecycle)
    model.settle(eviction)
  }
  const taints = (name: string) =>
    (model.get('Node', name)?.spec?.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
  const ready = (name: string) => model.get('Node', name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  pass(0, names)
  return { model, pass, taints, ready }
}

describe('a node', () => {
  it('is Unknown when its lease has stood still for the grace period, and well again when it moves', () => {
    const { model, pass, taints, ready } = withNodes(['a', 'b', 'c'])
    pass(39, ['b', 'c'])
    expect(ready('a')).toBe('True')
    pass(40, ['b', 'c'])
    expect(ready('a')).toBe('Unknown')
    expect(taints('a')).toEqual(['unreachable:NoSchedule', 'unreachable:NoExecute'])
    expect(model.get('Node', 'a')?.status?.conditions?.[0]).toMatchObject({
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    })
    model.change(
      'Node',
      'a',
      ({ status }) => void (status!.conditions![0] = { type: 'Ready', status: 'True', lastHeartbeatTime: 'later' }),
    )
    pass(50, ['a', 'b', 'c'])
    expect(taints('a')).toEqual([])
  })

  it('carries the taints that its conditions ask for, and keeps those of others', () => {
    const { model, pass, taints } = withNodes(['a', 'b'])
    model.change('Node', 'a', ({ spec, status }) => {
      Object.assign(spec ?? {}, { unschedulable: true })
      status!.conditions!.push({ type: 'DiskPressure', status: 'True' })
    })
    model.change('Node', 'a', (node) => void (node.spec = { unschedulable: true, taints: [noExecute] }))
    pass(1, ['a', 'b'])
    expect(taints('a')).toEqual(['k:NoExecute', 'disk-pressure:NoSchedule', 'unschedulable:NoSchedule'])
  })

  it('loses its pods only at the rate of its zone', () => {
    const { pass, taints } = withNodes(['a', 'b', 'c', 'd', 'e'])
    pass(40, ['c', 'd', 'e'])
    const evicted = () => ['a', 'b'].filter((name) => taints(name).includes('unreachable:NoExecute'))
    expect(evicted()).toHaveLength(1)
    pass(49, ['c', 'd', 'e'])
    expect(evicted()).toHaveLength(1)
    pass(50, ['c', 'd', 'e'])
    expect(evicted()).toHaveLength(2)
  })

  it('loses none when no node at all is heard of: then it is us who cannot hear', () => {
    const { pass, taints } = withNodes(['a', 'b'])
    pass(41, [])
    pass(100, [])
    expect([taints('a'), taints('b')]).toEqual([['unreachable:NoSchedule'], ['unreachable:NoSchedule']])
  })

  it.each([
    [5, 0, 'Normal'],
    [3, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [0, 5, 'FullDisruption'],
  ])('zone of %i ready and %i lost is %s', (up, lost, expected) => {
    const nodes = Array.from(
      { length: up + lost },
      (_, index) => ({ status: { conditions: [{ type: 'Ready', status: index < up ? 'True' : 'Unknown' }] } }) as unknown as Node,
    )
    expect(zoneState(nodes, 0.55)).toBe(expected)
  })
})

describe('tolerations', () => {
  it.each<[string, Toleration[], number | null]>([
    ['none', [], 0],
    ['everything', [{ operator: 'Exists' }], null],
    ['this key and value', [{ key: 'k', value: 'v', effect: 'NoExecute' }], null],
    ['another value', [{ key: 'k', value: 'w' }], 0],
    ['for some time', [{ key: 'k', operator: 'Exists', tolerationSeconds: 30 }], 30],
    ['for no time at all', [{ key: 'k', operator: 'Exists', tolerationSeconds: -5 }], 0],
  ])('of %s', (_, tolerations, seconds) => {
    expect(toleratedSeconds([noExecute], tolerations)).toBe(seconds)
  })

  it('end after their seconds, counted from the taint', () => {
    const eviction = createTaintEviction()
    const model = createModel([eviction])
    model.add('Node', { metadata: { name: 'a' }, spec: { taints: [{ ...noExecute, timeAdded: '2026-01-01T00:00:00Z' }] } })
    const tolerations = [{ key: 'k', operator: 'Exists', tolerationSeconds: 10 }]
    model.add('Pod', { metadata: { namespace: 'default', name: 'p' }, spec: { nodeName: 'a', containers: [], tolerations } })
    model.now = new Date(start + 9000)
    model.settle(eviction)
    expect(model.list('Pod')).toHaveLength(1)
    model.now = new Date(start + 10_000)
    model.run(eviction)
    expect(model.list('Pod')).toHaveLength(0)
    expect(model.events).toEqual([{ reason: 'TaintManagerEviction', message: 'Marking for deletion Pod default/p' }])
  })
})

it('a pod whose node is well again in time is told so, once', () => {
  const eviction = createTaintEviction()
  const model = createModel([eviction])
  model.add('Node', { metadata: { name: 'a' }, spec: { taints: [noExecute] } })
  const tolerations = [{ key: 'k', operator: 'Exists', tolerationSeconds: 10 }]
  model.add('Pod', { metadata: { namespace: 'default', name: 'p' }, spec: { nodeName: 'a', containers: [], tolerations } })
  model.settle(eviction)
  model.change('Node', 'a', ({ spec }) => void (spec!.taints = []))
  model.run(eviction)
  model.run(eviction)
  expect(model.events).toEqual([{ reason: 'TaintManagerEviction', message: 'Cancelling deletion of Pod default/p' }])
})

describe('the pod garbage collector', () => {
  const pod = (name: string, changes: Partial<Pod> = {}) => ({
    metadata: { namespace: 'default', name },
    spec: { containers: [], nodeName: 'a' },
    ...changes,
  })

  it('takes the pods of a node that stays away', () => {
    const collector = createPodGarbageCollector(100)
    const model = createModel([collector])
    model.add('Pod', pod('lost'))
    model.run(collector)
    model.now = new Date(start + 39_000)
    model.run(collector)
    expect(model.list('Pod')).toHaveLength(1)
    model.now = new Date(start + 40_000)
    model.run(collector)
    expect(model.list('Pod')).toHaveLength(0)
  })

  it('keeps only so many finished pods, the youngest', () => {
    const collector = createPodGarbageCollector(1)
    const model = createModel([collector])
    model.add('Node', { metadata: { name: 'a' } })
    for (const name of ['old', 'new']) {
      model.add('Pod', pod(name, { status: { phase: 'Succeeded' } }))
      model.now = new Date(model.now.getTime() + 1000)
    }
    model.settle(collector)
    expect(model.list('Pod').map(({ metadata }) => metadata.name)).toEqual(['new'])
  })
})

describe('address ranges', () => {
  it('are cut into parts, the lowest free one first, each given once', () => {
    const allocator = createRangeAllocator('10.244.0.0/22', 24)
    expect(['a', 'b', 'a', 'c', 'd', 'e'].map((holder) => allocator.take(holder))).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      '10.244.0.0/24',
      '10.244.2.0/24',
      '10.244.3.0/24',
      null,
    ])
    allocator.release('b')
    expect(allocator.take('e')).toBe('10.244.1.0/24')
    expect(allocator.occupy('f', '10.244.1.0/24')).toBe(false)
  })
  it('may be of IPv6', () => expect(createRangeAllocator('fd00:10:244::/48', 64).take('a')).toBe('fd00:10:244::/64'))

  it('go to nodes without two getting the same', () => {
    const ipam = createNodeIpam([{ cidr: '10.244.0.0/16', maskSize: 24 }])
    const model = createModel([ipam])
    model.add('Node', { metadata: { name: 'b' }, spec: { podCIDR: '10.244.0.0/24' } })
    model.add('Node', { metadata: { name: 'a' }, spec: {} })
    model.add('Node', { metadata: { name: 'c' }, spec: {} })
    model.settle(ipam)
    expect(model.list('Node').map(({ spec }) => spec.podCIDR)).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
  })

  it('go to load balancers, and come back with them', () => {
    const balancer = createServiceLoadBalancer('172.18.0.0/29')
    const model = createModel([balancer])
    model.add('Service', { metadata: { namespace: 'default', name: 'a' }, spec: { type: 'LoadBalancer' } })
    model.add('Service', {
      metadata: { namespace: 'default', name: 'b' },
      spec: { type: 'LoadBalancer', loadBalancerIP: '172.18.0.5' },
    })
    model.settle(balancer)
    expect(model.list('Service').map(({ status }) => status?.loadBalancer?.ingress?.[0]?.ip)).toEqual([
      '172.18.0.1',
      '172.18.0.5',
    ])
    model.change('Service', 'default/a', ({ spec }) => void (spec!.type = 'ClusterIP'))
    model.settle(balancer)
    expect(model.get('Service', 'default/a')).toMatchObject({ metadata: { finalizers: [] } })
    model.add('Service', { metadata: { namespace: 'default', name: 'c' }, spec: { type: 'LoadBalancer' } })
    model.settle(balancer)
    expect(model.get('Service', 'default/c')?.status?.loadBalancer?.ingress?.[0]?.ip).toBe('172.18.0.1')
  })
})

describe('node affinity', () => {
  const node = { metadata: { name: 'a', labels: { disk: 'ssd', cores: '8' } } } as unknown as Node
  const affinity = (matchExpressions: object[]) => ({
    containers: [],
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
    } as never,
  })
  it.each([
    ['In', ['ssd'], 'disk', true],
    ['NotIn', ['ssd'], 'disk', false],
    ['Exists', [], 'gpu', false],
    ['DoesNotExist', [], 'gpu', true],
    ['Gt', ['4'], 'cores', true],
    ['Lt', ['4'], 'cores', false],
  ])('%s %j on %s is %s', (operator, values, key, expected) => {
    expect(fitsNode(affinity([{ key, operator, values }]), node)).toBe(expected)
  })
  it('takes no node for a term that asks for nothing', () => expect(fitsNode(affinity([]), node)).toBe(false))
})
