import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
const folder = () => path.join(kubelet.node.directory, 'manifests')
beforeAll(async () => {
  kubelet = await startTestKubelet((node) => {
    const podManifestPath = path.join(node.directory, 'manifests')
    mkdirSync(podManifestPath, { recursive: true })
    writeFileSync(path.join(podManifestPath, 'web.yaml'), manifest('first'))
    return { podManifestPath }
  })
})
afterAll(() => kubelet.stop())

const manifest = (text: string) => `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: main, image: "${busyboxImage}", command: [sh, -c, "echo ${text}; sleep 1000"] }
`
const logs = async () => (await get(kubelet, '/containerLogs/default/web-node-1/main')).body
const containerId = async () =>
  (await kubelet.api.get('Pod', { namespace: 'default', name: 'web-node-1' })).status?.containerStatuses?.[0]?.containerID

describe('a static pod', () => {
  it('runs, and its mirror tells how it is', async () => {
    const mirror = await kubelet.api.waitForPod('web-node-1', isReady)
    expect(mirror.metadata.labels).toEqual({ app: 'web' })
    expect(mirror.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'node-1', controller: true }])
    const { annotations = {} } = mirror.metadata
    expect(annotations['kubernetes.io/config.source']).toBe('file')
    expect(annotations['kubernetes.io/config.mirror']).toBe(annotations['kubernetes.io/config.hash'])
    expect(await logs()).toBe('first\n')
  })

  it('outlives its mirror, which comes back', async () => {
    const before = await kubelet.api.get('Pod', { namespace: 'default', name: 'web-node-1' })
    const id = await containerId()
    await kubelet.api.delete('Pod', { namespace: 'default', name: 'web-node-1' })
    await kubelet.api.waitForPod('web-node-1', (pod) => pod.metadata.uid !== before.metadata.uid && isReady(pod))
    expect(await containerId()).toBe(id)
  })

  it('is taken over by the next kubelet', async () => {
    const id = await containerId()
    await kubelet.crash()
    await kubelet.start()
    await kubelet.api.waitForPod('web-node-1', isReady)
    expect(await containerId()).toBe(id)
  })

  it('is replaced when its manifest changes', async () => {
    const { metadata } = await kubelet.api.get('Pod', { namespace: 'default', name: 'web-node-1' })
    writeFileSync(path.join(folder(), 'web.yaml'), manifest('second'))
    await kubelet.api.waitForPod('web-node-1', (pod) => pod.metadata.uid !== metadata.uid && isReady(pod))
    await expect.poll(logs).toBe('second\n')
  })

  it('ends with its manifest, and leaves nothing', async () => {
    rmSync(path.join(folder(), 'web.yaml'))
    await kubelet.api.waitForNoPod('web-node-1')
    await vi.waitUntil(() => readdirSync(`${kubelet.node.directory}/kubelet/pods`).length === 0, { timeout: 120_000 })
  })
})
