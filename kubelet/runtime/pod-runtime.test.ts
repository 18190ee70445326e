import { expect, it } from 'vitest'
import type { Cri } from './cri-client.ts'
import { createPodRuntimeReader, emptyRuntime, type PodRuntime } from './pod-runtime.ts'

it('what a pod was just given is read by itself, without a listing of what was there before', async () => {
  const calls: string[] = []
  const answers: Record<string, object> = {
    PodSandboxStatus: {
      status: {
        id: 's0',
        metadata: { attempt: 0 },
        state: 'SANDBOX_READY',
        createdAt: 1e6,
        network: { ip: '10.0.0.1', additionalIps: [] },
      },
    },
    ContainerStatus: {
      status: { id: 'c0', metadata: { name: 'main', attempt: 0 }, state: 'CONTAINER_RUNNING', createdAt: 2e6, annotations: {} },
    },
  }
  const cri = {
    call: (name: string) => {
      calls.push(name)
      return Promise.resolve(answers[name])
    },
    close() {},
  } as unknown as Cri
  const reader = createPodRuntimeReader(cri, () => Promise.resolve(''))
  const withSandbox = await reader.readMade(emptyRuntime, { sandboxes: new Set(['s0']), containers: new Map() })
  const both: PodRuntime = await reader.readMade(withSandbox, { sandboxes: new Set(), containers: new Map([['c0', 's0']]) })
  expect(both.sandboxes).toEqual([{ id: 's0', attempt: 0, ready: true, createdAtMs: 1, ips: ['10.0.0.1'] }])
  expect(both.containers).toMatchObject([{ id: 'c0', name: 'main', sandboxId: 's0', state: 'running' }])
  expect(calls).toEqual(['PodSandboxStatus', 'ContainerStatus'])
})
