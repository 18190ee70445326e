import { expect, it } from 'vitest'
import type { Cri } from '../runtime/cri-client.ts'
import { readUsage, type UsageOptions } from './usage.ts'

it('what pods use is asked for one pod after the other, whoever asks: containerd may not live through two at once', async () => {
  let [running, most] = [0, 0]
  const asked: string[] = []
  const call = async (name: string, request: { podSandboxId?: string }) => {
    if (name !== 'PodSandboxStats') return { stats: [] }
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    asked.push(request.podSandboxId!)
    if (request.podSandboxId === 'gone') throw new Error('not found')
    return { stats: { id: request.podSandboxId } }
  }
  const pods = ['a', 'gone', 'b']
  const kubelet = {
    pods: () => pods.map((uid) => ({ metadata: { uid } })),
    worker: (uid: string) => ({ runtime: () => ({ sandboxes: [{ id: uid, ready: true }] }) }),
  }
  const cgroups = { usage: () => ({ usageCoreNanoSeconds: 1 }) }
  const options = { cri: { call } as unknown as Cri, kubelet, cgroups, now: () => new Date(0) } as unknown as UsageOptions
  const answers = await Promise.all([readUsage(options), readUsage(options)])
  expect(most).toBe(1)
  expect(asked).toEqual(pods)
  expect(answers.map(({ sandboxes }) => sandboxes)).toEqual(Array(2).fill([{ id: 'a' }, { id: 'b' }]))
})
