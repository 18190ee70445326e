import { beforeEach, describe, expect, it } from 'vitest'
import type { ContainerState, Pod, PodStatus } from '../../api/generated/types.ts'
import type { New } from '../../api/object.ts'
import { createTestClock, type TestClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { createTestApi, type TestApi } from '../../test/kubelet/test-api.ts'
import { createStatusWriter, type StatusWriter } from './status-writer.ts'

let api: TestApi
let clock: TestClock
let writer: StatusWriter
let pod: Pod
let writes: PodStatus[]

beforeEach(async () => {
  api = createTestApi('node-1')
  clock = createTestClock()
  writes = []
  const client: TestApi = {
    ...api,
    patch(kind, key, patch, options) {
      writes.push((patch as { status: PodStatus }).status)
      return api.patch(kind, key, patch, options)
    },
  }
  writer = createStatusWriter({ client, clock, logger: silentLogger })
  pod = await api.create('Pod', {
    metadata: { namespace: 'default', name: 'p' },
    spec: { containers: [{ name: 'main' }] },
  } as New<Pod>)
})

const status = (phase: string, state: ContainerState, more: Partial<PodStatus> = {}): PodStatus => ({
  phase,
  containerStatuses: [{ name: 'main', image: 'i', imageID: '', ready: false, restartCount: 0, state }],
  ...more,
})
const creating = status('Pending', { waiting: { reason: 'ContainerCreating' } })
const addressed = { ...creating, podIP: '10.0.0.1' }
const running = status('Running', { running: { startedAt: '2026-01-01T00:00:00Z' } }, { podIP: '10.0.0.1' })

describe('the status of a pod that starts', () => {
  beforeEach(async () => {
    writer.set(pod, creating)
    await writer.flush(pod.metadata.uid)
  })

  it('is written at the first sign of life', () => {
    expect(writes.map(({ phase }) => phase)).toEqual(['Pending'])
  })

  it('is not written again for its address alone, when it runs soon', async () => {
    writer.set(pod, addressed)
    await clock.advance(100)
    expect(writes).toHaveLength(1)
    writer.set(pod, running)
    await clock.advance(0)
    await writer.flush(pod.metadata.uid)
    expect(writes.slice(1)).toEqual([expect.objectContaining({ phase: 'Running', podIP: '10.0.0.1' })])
  })

  it('tells its address after a while, when it does not', async () => {
    writer.set(pod, addressed)
    await clock.advance(500)
    await writer.flush(pod.metadata.uid)
    expect(writes.slice(1)).toEqual([expect.objectContaining({ podIP: '10.0.0.1' })])
  })

  it('tells what goes wrong at once', async () => {
    writer.set(pod, addressed)
    writer.set(pod, status('Pending', { waiting: { reason: 'ErrImagePull', message: 'none' } }))
    await clock.advance(0)
    await writer.flush(pod.metadata.uid)
    expect(writes).toHaveLength(2)
  })
})
