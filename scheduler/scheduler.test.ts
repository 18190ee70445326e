import { describe, expect, test } from 'vitest'
import type { Pod } from '../api/generated/types.ts'
import { internalError } from '../api/status.ts'
import { createMemoryApiClient } from '../client/memory-api-client.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { toSchedulerConfig } from './config.ts'
import { createScheduler } from './scheduler.ts'
import { makeNode, makePod } from './testing.ts'

async function start() {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const stop = new AbortController()
  const { profiles } = toSchedulerConfig({})
  const metrics = createMetrics({ processMetrics: false })
  const scheduler = createScheduler({ client, profiles, clock, logger: silentLogger, metrics, seed: 1, signal: stop.signal })
  const following = scheduler.follow()
  await clock.advance(0)
  await following
  const running = scheduler.run(stop.signal)
  const end = async () => {
    stop.abort()
    await running
  }
  const nodeOf = async (name: string) => (await client.get('Pod', { namespace: 'default', name })).spec.nodeName
  const create = (pod: Pod) => client.create('Pod', pod)
  return { client, clock, scheduler, metrics, end, nodeOf, create }
}

describe('the scheduler', () => {
  test('binds a pod, says so, and names the pod as the cause', async () => {
    const { client, clock, end, nodeOf, create } = await start()
    await client.create('Node', makeNode('node-1'))
    const pod = await create(makePod('web'))
    await clock.advance(10)
    expect(await nodeOf('web')).toBe('node-1')
    const binding = client.writes.find(({ subresource }) => subresource === 'binding')
    expect(binding?.cause).toBe(`pods/default/web@${pod.metadata.resourceVersion}`)
    const [event] = (await client.list('Event')).items
    expect(event).toMatchObject({
      reason: 'Scheduled',
      message: 'Successfully assigned default/web to node-1',
      source: { component: 'default-scheduler' },
    })
    await end()
  })

  test('says why not in the condition and an event, and tries again when a node comes that may help', async () => {
    const { client, clock, end, nodeOf, create, scheduler } = await start()
    await client.create('Node', makeNode('tainted', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] }))
    await client.create('Node', makeNode('small-1', { cpu: '100m' }))
    await client.create('Node', makeNode('small-2', { cpu: '100m' }))
    await create(makePod('web', { cpu: '1' }))
    await clock.advance(10)
    const message =
      '0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu. ' +
      'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
    const pod = await client.get('Pod', { namespace: 'default', name: 'web' })
    expect(pod.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }])
    expect((await client.list('Event')).items).toMatchObject([{ reason: 'FailedScheduling', type: 'Warning', message }])
    expect(scheduler.attempts.of('default/web')[0]).toMatchObject({ node: null, message })
    await client.create('Node', makeNode('large', { cpu: '4' }))
    await clock.advance(2000)
    expect(await nodeOf('web')).toBe('large')
    await end()
  })

  test('gives the room back when a binding fails, and tries again after a backoff', async () => {
    const { client, clock, end, nodeOf, create, scheduler } = await start()
    await client.create('Node', makeNode('node-1', { cpu: '1' }))
    client.failWith(({ subresource }) => (subresource === 'binding' ? internalError(new Error('etcd is away')) : undefined))
    await create(makePod('web', { cpu: '1' }))
    await clock.advance(10)
    expect(scheduler.snapshot.node('node-1')?.requested.milliCpu).toBe(0)
    client.failWith(undefined)
    await clock.advance(1100)
    expect(await nodeOf('web')).toBe('node-1')
    await end()
  })

  test('makes room for a pod of higher priority by taking the least important pods that suffice', async () => {
    const { client, clock, end, nodeOf, create } = await start()
    await client.create('Node', makeNode('node-1', { cpu: '2' }))
    await create(makePod('low', { cpu: '1', priority: 1 }))
    await create(makePod('lower', { cpu: '1', priority: 0 }))
    await clock.advance(10)
    expect(await nodeOf('lower')).toBe('node-1')
    const high = await create(makePod('high', { cpu: '1', priority: 100 }))
    await clock.advance(3000)
    expect(await nodeOf('high')).toBe('node-1')
    expect((await client.list('Pod')).items.map(({ metadata }) => metadata.name).sort()).toEqual(['high', 'low'])
    const preempted = (await client.list('Event')).items.filter(({ reason }) => reason === 'Preempted')
    expect(preempted).toMatchObject([{ message: `Preempted by pod ${high.metadata.uid} on node node-1` }])
    await end()
  })

  test('pods that preempt at the same time each make room of their own', async () => {
    const { client, clock, end, create } = await start()
    for (let index = 0; index < 3; index++) await client.create('Node', makeNode(`node-${index}`, { cpu: '4' }))
    for (let index = 0; index < 12; index++) await create(makePod(`low-${index}`, { cpu: '1', nodeName: `node-${index % 3}` }))
    await clock.advance(10)
    for (let index = 0; index < 6; index++) await create(makePod(`high-${index}`, { cpu: '2', priority: 100 }))
    // Decisions give way to the event loop now and then, as often as the machine is slow: many small steps.
    for (let step = 0; step < 300; step++) await clock.advance(100)
    const { items } = await client.list('Pod')
    expect(items.filter(({ metadata }) => metadata.name.startsWith('high')).map(({ spec }) => spec.nodeName)).not.toContain(
      undefined,
    )
    expect(items).toHaveLength(6)
    await end()
  })

  test('a nomination ends when the pod could not make that room again', async () => {
    const { client, clock, end, create } = await start()
    await client.create('Node', makeNode('node-1', { cpu: '1' }))
    await create(makePod('equal', { cpu: '1', priority: 5, nodeName: 'node-1' }))
    const pod = makePod('late', { cpu: '1', priority: 5 })
    await create({ ...pod, status: { phase: 'Pending', nominatedNodeName: 'node-1' } })
    await clock.advance(10)
    const late = await client.get('Pod', { namespace: 'default', name: 'late' })
    expect(late.status?.nominatedNodeName).toBeUndefined()
    await end()
  })

  test('holds a gated pod back until its gates are gone', async () => {
    const { client, clock, end, nodeOf, create, scheduler } = await start()
    await client.create('Node', makeNode('node-1'))
    const pod = makePod('gated')
    await create({ ...pod, spec: { ...pod.spec, schedulingGates: [{ name: 'wait' }] } })
    await clock.advance(10)
    expect(scheduler.queue.sizes()).toMatchObject({ gated: 1 })
    const current = await client.get('Pod', { namespace: 'default', name: 'gated' })
    await client.update('Pod', { ...current, spec: { ...current.spec, schedulingGates: [] } })
    await clock.advance(10)
    expect(await nodeOf('gated')).toBe('node-1')
    await end()
  })

  test('leaves pods of other schedulers alone', async () => {
    const { client, clock, end, nodeOf, create } = await start()
    await client.create('Node', makeNode('node-1'))
    const pod = makePod('other')
    await create({ ...pod, spec: { ...pod.spec, schedulerName: 'mine' } })
    await clock.advance(10)
    expect(await nodeOf('other')).toBeUndefined()
    await end()
  })

  test('a claim that waits for its first consumer learns the node, and the pod is bound once the claim is', async () => {
    const { client, clock, end, nodeOf, create } = await start()
    await client.create('Node', makeNode('node-1'))
    await client.create('StorageClass', {
      metadata: { name: 'local' },
      provisioner: 'p',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    const spec = { storageClassName: 'local', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    await client.create('PersistentVolumeClaim', { metadata: { namespace: 'default', name: 'data' }, spec })
    const pod = makePod('db')
    await create({ ...pod, spec: { ...pod.spec, volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } })
    await clock.advance(10)
    const key = { namespace: 'default', name: 'data' }
    const claim = await client.get('PersistentVolumeClaim', key)
    expect(claim.metadata.annotations).toEqual({ 'volume.kubernetes.io/selected-node': 'node-1' })
    expect(await nodeOf('db')).toBeUndefined()
    await client.create('PersistentVolume', { metadata: { name: 'pv' }, spec: { capacity: { storage: '1Gi' } } } as never)
    await client.update('PersistentVolumeClaim', {
      ...claim,
      spec: { ...claim.spec, volumeName: 'pv' },
      status: { phase: 'Bound' },
    })
    await clock.advance(10)
    expect(await nodeOf('db')).toBe('node-1')
    await end()
  })
})
