import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({ containerLogMaxBytes: 20_000, containerLogMaxFiles: 3, containerLogMonitorMs: 1100 }))
})
afterAll(() => kubelet.stop())

const files = (uid: string) => readdirSync(`${kubelet.node.directory}/log/pods/default_chatty_${uid}/main`).toSorted()
const rotated = (uid: string) => files(uid).filter((name) => name.startsWith('0.log.'))

describe('a log that grows', () => {
  it('is rotated, the oldest file goes, and who follows it misses nothing', async () => {
    const go = `${kubelet.node.directory}/go`
    mkdirSync(go)
    // Each part is more than a file may hold, and is followed by the next one when the test has seen it rotated away.
    const part = 'for n in $(seq 1000); do echo line $n; done'
    const script = `echo start; for turn in 0 1 2; do until [ -e /go/$turn ]; do sleep 0.05; done; ${part}; done
      until [ -e /go/3 ]; do sleep 0.05; done; echo end`
    await kubelet.api.createPod('chatty', {
      restartPolicy: 'Never',
      volumes: [{ name: 'go', hostPath: { path: go } }],
      containers: [
        {
          name: 'main',
          image: busyboxImage,
          command: ['sh', '-c', script],
          volumeMounts: [{ name: 'go', mountPath: '/go' }],
        },
      ],
    })
    const { metadata } = await kubelet.api.waitForPod('chatty', ({ status }) => status?.phase === 'Running')
    const begun = Promise.withResolvers<void>()
    const followed = get(kubelet, '/containerLogs/default/chatty/main?follow=true', { onBody: begun.resolve })
    await begun.promise
    const seen = new Set<string>()
    for (let turn = 0; turn < 3; turn++) {
      writeFileSync(`${go}/${turn}`, '')
      // Its name ends with its time: the newest is the last.
      const newest = () => rotated(metadata.uid).at(-1) ?? ''
      await expect.poll(newest).toSatisfy((name: string) => name !== '' && !seen.has(name))
      seen.add(newest())
    }
    const [, ...kept] = [...seen]
    await expect.poll(() => rotated(metadata.uid)).toEqual(kept)
    writeFileSync(`${go}/3`, '')
    const lines = (await followed).body.trim().split('\n')
    expect(lines.length).toBe(3002)
    expect([lines[0], lines[1000], lines[3000], lines[3001]]).toEqual(['start', 'line 1000', 'line 1000', 'end'])
    expect(files(metadata.uid)).toEqual(['0.log', ...kept])
  })
})
