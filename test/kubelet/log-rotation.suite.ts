import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({ containerLogMaxBytes: 20_000, containerLogMaxFiles: 3, containerLogMonitorMs: 1100 }))
})
afterAll(() => kubelet.stop())

const files = (uid: string) => readdirSync(`${kubelet.node.directory}/log/pods/default_chatty_${uid}/main`).toSorted()

describe('a log that grows', () => {
  it('is rotated, the oldest file goes, and who follows it misses nothing', async () => {
    const script = 'sleep 1; for n in $(seq 1 2000); do echo line $n; test $((n % 20)) = 0 && sleep 0.05; done; true'
    await kubelet.api.createPod('chatty', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: busyboxImage, command: ['sh', '-c', script] }],
    })
    const pod = await kubelet.api.waitForPod('chatty', ({ status }) => status?.phase === 'Running')
    const followed = get(kubelet, '/containerLogs/default/chatty/main?follow=true')
    await vi.waitUntil(() => files(pod.metadata.uid).length === 3, { timeout: 30_000 })
    await kubelet.api.waitForPod('chatty', ({ status }) => status?.phase === 'Succeeded')
    expect(files(pod.metadata.uid)).toEqual([
      '0.log',
      expect.stringMatching(/^0\.log\.\d{8}-\d{6}/),
      expect.stringMatching(/^0\.log\./),
    ])
    const lines = (await followed).body.trim().split('\n')
    expect(lines.length).toBe(2000)
    expect(lines.at(-1)).toBe('line 2000')
  })
})
