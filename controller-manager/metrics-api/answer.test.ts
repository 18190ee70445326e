import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createMemoryApiClient } from '../../client/memory-api-client.ts'
import { answer } from './answer.ts'
import { podUsages, usageBetween } from './compute-usage.ts'
import { createObserver } from './observe-kubelets.ts'
import { readSamples } from './read-samples.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const metricsOf = (seconds: number, atMs: number) => `# HELP node_cpu_usage_seconds_total x
# TYPE node_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="c",namespace="default",pod="web"} ${seconds} ${atMs}
container_memory_working_set_bytes{container="c",namespace="default",pod="web"} 2097152 ${atMs}
node_cpu_usage_seconds_total ${seconds * 10} ${atMs}
node_memory_working_set_bytes 104857600 ${atMs}
scrape_error 0
`

describe('the samples of a kubelet', () => {
  it('are read by container and for the node, with the times they were taken at', () => {
    expect([...readSamples(metricsOf(1.5, start), new Date(start))]).toEqual([
      ['default/web/c', { cpuSeconds: 1.5, memoryBytes: 2_097_152, atMs: start }],
      ['', { cpuSeconds: 15, memoryBytes: 104_857_600, atMs: start }],
    ])
  })

  it('are left out where a part of them is missing', () => {
    expect(readSamples('node_cpu_usage_seconds_total 5\n', new Date(start)).size).toBe(0)
  })
})

describe('usage', () => {
  const sample = (cpuSeconds: number, atMs: number) => ({ cpuSeconds, memoryBytes: 1_048_576, atMs })

  it('is processor time a second between two samples, and the memory of the later', () => {
    expect(usageBetween(sample(10, start), sample(12.5, start + 10_000))).toEqual({
      timestamp: '2026-01-01T00:00:10Z',
      window: '10s',
      usage: { cpu: '250000000n', memory: '1024Ki' },
    })
  })

  it.each([
    ['without an earlier sample', undefined],
    ['of a counter that began anew', sample(50, start)],
    ['of one moment', sample(1, start + 10_000)],
  ])('is not known %s', (_, before) => {
    expect(usageBetween(before, sample(12, start + 10_000))).toBeUndefined()
  })

  it('of a pod is not told while one of its containers is not known', () => {
    const after = new Map([
      ['default/web/old', sample(2, start + 1000)],
      ['default/web/new', sample(2, start + 1000)],
    ])
    expect(podUsages(new Map([['default/web/old', sample(1, start)]]), after).size).toBe(0)
  })
})

describe('the metrics API', () => {
  async function createSource() {
    const clock = createTestClock(new Date(start))
    const memory = createMemoryApiClient({ now: clock.now })
    await memory.create('Node', { metadata: { name: 'node-1', labels: { zone: 'a' } } } as never)
    await memory.create('Pod', { metadata: { namespace: 'default', name: 'web', labels: { app: 'web' } } } as never)
    await memory.create('Pod', { metadata: { namespace: 'default', name: 'unmeasured' } } as never)
    let asked = 0
    const raw: ApiClient['raw'] = async (_method, path, { query } = {}) => {
      if (path.endsWith('/metrics/resource')) {
        asked++
        return metricsOf(clock.now().getTime() / 4000, clock.now().getTime()) as never
      }
      return memory.list(path.endsWith('nodes') ? 'Node' : 'Pod', query) as never
    }
    const client: ApiClient = { ...memory, raw }
    const source = { client, clock, observe: createObserver(client, clock, silentLogger) }
    const get = async (path: string) => {
      const answered = answer(source, 'GET', new URL(path, 'https://localhost'))
      await clock.advance(1000)
      return (await answered) as { code: number; body: { kind?: string; items?: object[]; message?: string } }
    }
    return { get, clock, asked: () => asked }
  }

  it('answers for nodes and pods, with their labels, and leaves out what is not measured', async () => {
    const { get } = await createSource()
    expect((await get('/apis/metrics.k8s.io/v1beta1/nodes')).body.items).toEqual([
      {
        kind: 'NodeMetrics',
        apiVersion: 'metrics.k8s.io/v1beta1',
        metadata: { name: 'node-1', creationTimestamp: expect.any(String) as string, labels: { zone: 'a' } },
        timestamp: '2026-01-01T00:00:01Z',
        window: '1s',
        usage: { cpu: '2500000000n', memory: '102400Ki' },
      },
    ])
    expect((await get('/apis/metrics.k8s.io/v1beta1/pods')).body.items).toMatchObject([
      {
        metadata: { namespace: 'default', name: 'web' },
        containers: [{ name: 'c', usage: { cpu: '250000000n', memory: '2048Ki' } }],
      },
    ])
  })

  it.each([
    ['/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/web', 200, 'PodMetrics'],
    ['/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/nobody', 404, 'Status'],
    ['/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dother', 200, 'PodMetricsList'],
    ['/apis/metrics.k8s.io/v1beta1', 200, 'APIResourceList'],
    ['/apis/metrics.k8s.io/v1beta1/jobs', 404, 'Status'],
    ['/openapi/v2', 404, 'Status'],
  ])('answers %s with %i %s', async (path, code, kind) => {
    const { get } = await createSource()
    expect(await get(path)).toMatchObject({ code, body: { kind } })
  })

  it('asks no kubelet but when it is asked, and of questions at once only for the first', async () => {
    const { get, clock, asked } = await createSource()
    await clock.advance(600_000)
    expect(asked()).toBe(0)
    await Promise.all([get('/apis/metrics.k8s.io/v1beta1/nodes'), get('/apis/metrics.k8s.io/v1beta1/nodes')])
    expect(asked()).toBe(2)
    await get('/apis/metrics.k8s.io/v1beta1/pods')
    expect(asked()).toBe(2)
    // The mean since the last look, where that was not long ago.
    await clock.advance(15_000)
    expect((await get('/apis/metrics.k8s.io/v1beta1/nodes')).body.items).toMatchObject([{ window: '16s' }])
    expect(asked()).toBe(3)
  })
})
