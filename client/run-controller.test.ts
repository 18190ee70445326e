import { describe, expect, test } from 'vitest'
import type { Pod, ReplicaSet } from '../api/generated/types.ts'
import { controllerReference } from '../api/object.ts'
import { internalError } from '../api/status.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import type { Action, Controller } from './controller.ts'
import { createEventRecorder } from './event-recorder.ts'
import { createMemoryApiClient } from './memory-api-client.ts'
import { runController } from './run-controller.ts'
import { createSharedInformers } from './shared-informers.ts'

const podSpec = { containers: [{ name: 'c', image: 'i' }] }

/** The smallest replica set controller there can be. */
const replicas: Controller<'ReplicaSet', { pods: Pod[] }> = {
  name: 'replicaset-controller',
  for: 'ReplicaSet',
  owns: ['Pod'],
  observe: (rs, cache) => ({ pods: cache.of('Pod').controlledBy(rs.metadata.uid) }),
  reconcile(rs, { pods }): Action[] {
    const missing = (rs.spec?.replicas ?? 1) - pods.length
    const create = (): Action => ({
      do: 'create',
      kind: 'Pod',
      object: {
        metadata: { namespace: 'default', generateName: `${rs.metadata.name}-`, ownerReferences: [controllerReference(rs)] },
        spec: podSpec,
      } as never,
    })
    if (missing > 0) return [{ do: 'batch', actions: Array.from({ length: missing }, create) }]
    return pods
      .slice(0, -missing)
      .map(({ metadata: { namespace, name, uid } }) => ({ do: 'delete', kind: 'Pod', key: { namespace, name }, uid }))
  },
}

const replicaSet = (count: number) => ({
  metadata: { namespace: 'default', name: 'web' },
  spec: { replicas: count, selector: {}, template: { metadata: {}, spec: podSpec } } as unknown as ReplicaSet['spec'],
})

async function start(controller: typeof replicas = replicas) {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const stop = new AbortController()
  const informers = createSharedInformers(client, { clock, logger: silentLogger, signal: stop.signal })
  const recorder = createEventRecorder({ client, clock, logger: silentLogger, component: controller.name })
  const running = runController(
    controller as typeof replicas,
    { client, informers, recorder, clock, logger: silentLogger },
    stop.signal,
  )
  const end = async () => {
    stop.abort()
    await running.finished
  }
  return { client, clock, running, end }
}

describe('runController', () => {
  test('never makes more than was asked for, although its own pods wake it again and again', async () => {
    const { client, clock, end } = await start()
    await client.create('ReplicaSet', replicaSet(20))
    await clock.advance(100)
    expect((await client.list('Pod')).items).toHaveLength(20)
    expect(client.writes.filter(({ verb, kind }) => verb === 'create' && kind === 'Pod')).toHaveLength(20)
    await end()
  })

  test('names the version that woke it as the cause of each write', async () => {
    const { client, clock, end } = await start()
    const rs = await client.create('ReplicaSet', replicaSet(1))
    await clock.advance(100)
    expect(client.writes.at(-1)).toMatchObject({
      verb: 'create',
      cause: `replicasets/default/web@${rs.metadata.resourceVersion}`,
    })
    const [pod] = (await client.list('Pod')).items
    await client.delete('Pod', pod!.metadata)
    await clock.advance(100)
    expect(client.writes.at(-1)?.cause).toBe(`pods/default/${pod!.metadata.name}@${Number(pod!.metadata.resourceVersion) + 1}`)
    await end()
  })

  test('starts slowly, and tries again later when the server refuses', async () => {
    const { client, clock, end } = await start()
    let attempts = 0
    client.failWith(({ kind }) => (kind === 'Pod' ? (attempts++, internalError(new Error('full'))) : undefined))
    await client.create('ReplicaSet', replicaSet(50))
    await clock.advance(1)
    expect(attempts).toBe(1)
    client.failWith(undefined)
    await clock.advance(1000)
    expect((await client.list('Pod')).items).toHaveLength(50)
    await end()
  })

  test('does what failed() answers when an attempt fails, and backs off', async () => {
    const { client, clock, end } = await start({
      ...replicas,
      reconcile: (rs) => [
        {
          do: 'attempt',
          actions: [{ do: 'delete', kind: 'ReplicaSet', key: rs.metadata, uid: 'not-its-uid' }],
          failed: (error) => [{ do: 'event', about: rs, type: 'Warning', reason: 'Failed', message: error.message }],
        },
      ],
    })
    await client.create('ReplicaSet', replicaSet(1))
    await clock.advance(20)
    const [event] = (await client.list('Event')).items
    expect(event).toMatchObject({ reason: 'Failed', type: 'Warning', involvedObject: { kind: 'ReplicaSet', name: 'web' } })
    expect(event!.message).toContain('Precondition failed: UID in precondition')
    expect(client.writes.filter(({ verb }) => verb === 'delete').length).toBeGreaterThan(1)
    await end()
  })

  test('an object in a namespace wakes its owner that is in none', async () => {
    const seen: number[] = []
    const { client, clock, end } = await start({
      name: 'node-owner',
      for: 'Node',
      owns: ['Pod'],
      observe: (node, cache) => ({ pods: cache.of('Pod').controlledBy(node.metadata.uid) }),
      reconcile(_node, { pods }) {
        seen.push(pods.length)
        return []
      },
    } satisfies Controller<'Node', { pods: Pod[] }> as never)
    const node = await client.create('Node', { metadata: { name: 'n' } } as never)
    await clock.advance(100)
    const ownerReferences = [controllerReference(node)]
    await client.create('Pod', { metadata: { namespace: 'default', name: 'static', ownerReferences }, spec: podSpec } as never)
    await clock.advance(100)
    expect(seen).toEqual([0, 1])
    await end()
  })

  test('deletions are waited for as well', async () => {
    const { client, clock, end } = await start()
    await client.create('ReplicaSet', replicaSet(3))
    await clock.advance(100)
    const rs = await client.get('ReplicaSet', { namespace: 'default', name: 'web' })
    await client.update('ReplicaSet', { ...rs, spec: { ...rs.spec!, replicas: 1 } })
    await clock.advance(100)
    expect((await client.list('Pod')).items).toHaveLength(1)
    expect(client.writes.filter(({ verb }) => verb === 'delete')).toHaveLength(2)
    await end()
  })
})
