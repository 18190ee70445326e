import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { waitFor } from '../../client/wait-for.ts'
import { systemClock as clock } from '../../component/clock.ts'
import { silentLogger as logger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import { startTestServer, type TestServer } from '../apiserver/start-server.ts'
import { toSchedulerConfig } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/scheduler.ts'
import { makeNode, makePod } from '../../scheduler/testing.ts'

let server: TestServer
let client: RestClient
const stop = new AbortController()
let running: Promise<void>

beforeAll(async () => {
  server = await startTestServer()
  client = createApiClient(await loadClientConfig({ path: server.kubeconfig }))
  const { metadata, spec, status } = makeNode('node-1', { cpu: '1' })
  await client.create('Node', { metadata: { name: metadata.name }, spec })
  await client.patch('Node', { name: 'node-1' }, { status }, { type: 'application/merge-patch+json', subresource: 'status' })
  // As the node lifecycle controller does once the kubelet says that it is ready.
  await client.patch('Node', { name: 'node-1' }, { spec: { taints: null } }, { type: 'application/merge-patch+json' })
  const metrics = createMetrics({ processMetrics: false })
  const scheduler = createScheduler({ client, clock, logger, metrics, signal: stop.signal, ...toSchedulerConfig({}) })
  await scheduler.follow()
  running = scheduler.run(stop.signal)
})

afterAll(async () => {
  stop.abort()
  await running
  await client.close()
  await server.stop()
})

const create = (name: string, priorityClassName?: string) => {
  const { spec } = makePod(name, { cpu: '1' })
  return client.create('Pod', {
    metadata: { namespace: 'default', name },
    spec: { ...spec, ...(priorityClassName ? { priorityClassName } : {}) },
  })
}

test('against a real API server: binds, explains, preempts', async () => {
  await create('first')
  const conditionOf = (pod: Awaited<ReturnType<typeof create>> | undefined) =>
    pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const [first] = await waitFor(
    client,
    'Pod',
    { namespace: 'default', name: 'first', timeoutMs: 60_000 },
    ([pod]) => conditionOf(pod) !== undefined,
  )
  expect(first!.spec.nodeName).toBe('node-1')
  expect(conditionOf(first)?.status).toBe('True')

  await create('second')
  const [second] = await waitFor(
    client,
    'Pod',
    { namespace: 'default', name: 'second', timeoutMs: 60_000 },
    ([pod]) => conditionOf(pod) !== undefined,
  )
  expect(conditionOf(second)?.message).toMatch(
    /^0\/1 nodes are available: 1 Insufficient cpu\. preemption: 0\/1 nodes are available: 1 No preemption/,
  )

  await client.create('PriorityClass', { metadata: { name: 'high' }, value: 1000 })
  await create('third', 'high')
  const [third] = await waitFor(
    client,
    'Pod',
    { namespace: 'default', name: 'third', timeoutMs: 60_000 },
    ([pod]) => !!pod?.status?.nominatedNodeName,
  )
  expect(third!.status?.nominatedNodeName).toBe('node-1')
  const [victim] = await waitFor(
    client,
    'Pod',
    { namespace: 'default', name: 'first', timeoutMs: 60_000 },
    ([pod]) => !!pod?.metadata.deletionTimestamp,
  )
  const disrupted = victim!.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
  expect(disrupted).toMatchObject({ status: 'True', reason: 'PreemptionByScheduler' })
  // No kubelet is there to end it: do as one would.
  await client.delete('Pod', { namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 })
  await waitFor(
    client,
    'Pod',
    { namespace: 'default', name: 'third', timeoutMs: 60_000 },
    ([pod]) => pod?.spec.nodeName === 'node-1',
  )
})
