import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { computeThresholds } from '../../kubelet/eviction/thresholds.ts'
import { busyboxImage } from './oci-archive.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet((node) => {
    // A small disk of its own for the pods of this node.
    mkdirSync(`${node.directory}/kubelet`, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', `${node.directory}/kubelet`])
    const thresholds = computeThresholds({ hard: { 'nodefs.available': '50%' }, soft: {}, softGraceMs: {}, minReclaim: {} })
    return { eviction: { thresholds, transitionMs: 500, maxPodGraceSeconds: 0, intervalMs: 300 } }
  })
})
afterAll(() => kubelet.stop())

const run = (name: string, script: string, sizeLimit?: string) =>
  kubelet.api.createPod(name, {
    volumes: [{ name: 'work', emptyDir: sizeLimit ? { sizeLimit } : {} }],
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: ['sh', '-c', `${script}; sleep 1000`],
        volumeMounts: [{ name: 'work', mountPath: '/work' }],
      },
    ],
  })
const fill = (mebibytes: number) => `sleep 1; dd if=/dev/zero of=/work/data bs=1M count=${mebibytes}`
const pressure = async () =>
  (await kubelet.api.get('Node', { name: 'node-1' })).status?.conditions?.find(({ type }) => type === 'DiskPressure')

describe('a node whose disk fills up', () => {
  it('ends the pod that fills it, tells so, and recovers', async () => {
    await run('modest', 'true')
    await run('greedy', fill(40))
    await kubelet.api.waitForPod('modest', isReady)
    const evicted = await kubelet.api.waitForPod('greedy', ({ status }) => status?.phase === 'Failed')
    expect(evicted.status).toMatchObject({
      reason: 'Evicted',
      message: expect.stringMatching(
        /^The node was low on resource: ephemeral-storage\. Threshold quantity: 32Mi, available: \d+/,
      ),
    })
    expect(evicted.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
    )
    await expect.poll(pressure).toMatchObject({ status: 'False', reason: 'KubeletHasNoDiskPressure' })
    const events = async () => (await kubelet.api.list('Event')).items.map(({ reason, message }) => `${reason}: ${message}`)
    await expect.poll(events).toContain('EvictionThresholdMet: Attempting to reclaim ephemeral-storage')
    expect((await kubelet.api.get('Pod', { namespace: 'default', name: 'modest' })).status?.phase).toBe('Running')
  })

  it('ends a pod whose volume outgrows its limit, with room left', async () => {
    await run('outgrown', fill(5), '2Mi')
    const evicted = await kubelet.api.waitForPod('outgrown', ({ status }) => status?.phase === 'Failed')
    expect(evicted.status?.message).toBe('Usage of EmptyDir volume "work" exceeds the limit "2Mi". ')
  })
})
