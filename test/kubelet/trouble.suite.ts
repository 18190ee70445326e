import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Pod } from '../../api/generated/types.ts'
import { type Clock, systemClock } from '../../component/clock.ts'
import { computeThresholds } from '../../kubelet/eviction/thresholds.ts'
import { busyboxImage } from './oci-archive.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
let machine: FakeProc
/** How far the wall clock was set, while timers run as ever. */
let clockOffsetMs = 0
const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + clockOffsetMs) }

beforeAll(async () => {
  kubelet = await startTestKubelet((node) => {
    // A small disk of its own for the pods of this node, and numbers of the machine that the test decides.
    mkdirSync(`${node.directory}/kubelet`, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', `${node.directory}/kubelet`])
    machine = fakeProc(node.directory)
    const hard = { 'memory.available': '100Mi', 'pid.available': '1000' }
    const thresholds = computeThresholds({ hard, soft: {}, softGraceMs: {}, minReclaim: {} })
    return { eviction: { thresholds, transitionMs: 200, maxPodGraceSeconds: 0, intervalMs: 200 } }
  }, clock)
})
afterAll(() => kubelet.stop())

interface FakeProc {
  setAvailableMemory(mebibytes: number): void
  setProcesses(count: number): void
}

/** The suite has mounts of its own: nobody else sees these files in the place of the kernel's. */
function fakeProc(folder: string): FakeProc {
  const show = (name: string, text: string) => {
    writeFileSync(`${folder}/${name}`, text)
    execFileSync('mount', ['--bind', `${folder}/${name}`, `/proc/${name}`])
  }
  const memory = (mebibytes: number) => `MemTotal:       ${2048 * 1024} kB\nMemAvailable:    ${mebibytes * 1024} kB\n`
  const load = (count: number) => `0.00 0.00 0.00 1/${count} 99\n`
  show('meminfo', memory(1024))
  show('loadavg', load(100))
  const pidMax = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'))
  return {
    setAvailableMemory: (mebibytes) => writeFileSync(`${folder}/meminfo`, memory(mebibytes)),
    setProcesses: (left) => writeFileSync(`${folder}/loadavg`, load(pidMax - left)),
  }
}

const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: busyboxImage,
  command: ['sh', '-c', script],
  ...more,
})
const start = async (name: string, spec: Partial<Pod['spec']> = {}): Promise<Pod> => {
  await kubelet.api.createPod(name, { terminationGracePeriodSeconds: 0, containers: [shell('sleep 1000')], ...spec })
  return kubelet.api.waitForPod(name, isReady)
}
const events = async (name: string) =>
  (await kubelet.api.list('Event')).items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason, message }) => `${reason}: ${message}`)
const condition = async (type: string) =>
  (await kubelet.api.get('Node', { name: 'node-1' })).status?.conditions?.find((each) => each.type === type)

describe('a pod that does not want to go', () => {
  it('has no more time for its preStop hook than its grace period', async () => {
    const lifecycle = { preStop: { exec: { command: ['sleep', '1000'] } } }
    await start('hanging', { terminationGracePeriodSeconds: 1, containers: [shell('sleep 1000', { lifecycle })] })
    await kubelet.api.deletePod('hanging')
    await kubelet.api.waitForNoPod('hanging')
    await expect.poll(() => events('hanging')).toContain('FailedPreStopHook: PreStopHook failed')
  })

  it('whose process cannot be killed holds up nobody else, and goes as soon as it can', async () => {
    const { metadata } = await start('frozen')
    // What sleeps in the kernel takes no signal; a frozen group above that of the container is as deaf.
    const freezer = `/sys/fs/cgroup/freezer${kubelet.node.cgroupRoot}/kubepods/besteffort/pod${metadata.uid}/freezer.state`
    writeFileSync(freezer, 'FROZEN')
    try {
      await kubelet.api.deletePod('frozen', 0)
      await start('neighbour')
      await kubelet.api.deletePod('neighbour')
      await kubelet.api.waitForNoPod('neighbour')
      const pod = await kubelet.api.get('Pod', { namespace: 'default', name: 'frozen' })
      expect(pod.status?.containerStatuses?.[0]?.state?.running).toBeDefined()
    } finally {
      writeFileSync(freezer, 'THAWED')
    }
    await kubelet.api.waitForNoPod('frozen')
  })
})

describe('a node under pressure', () => {
  it('of memory ends the pod that promised least, refuses more of its kind, and recovers', async () => {
    const resources = { requests: { memory: '16Mi' } }
    await start('modest', { containers: [shell('sleep 1000', { resources })] })
    await start('besteffort', { containers: [shell('dd if=/dev/zero bs=20M count=1 2>/dev/null | tail -c 1; sleep 1000')] })
    machine.setAvailableMemory(50)
    const evicted = await kubelet.api.waitForPod('besteffort', ({ status }) => status?.phase === 'Failed')
    expect(evicted.status).toMatchObject({
      reason: 'Evicted',
      message: expect.stringMatching(/^The node was low on resource: memory\. Threshold quantity: 100Mi, available: \d+/),
    })
    await expect.poll(() => condition('MemoryPressure')).toMatchObject({ status: 'True', reason: 'KubeletHasInsufficientMemory' })
    await kubelet.api.createPod('late', { containers: [shell('sleep 1000')] })
    const refused = await kubelet.api.waitForPod('late', ({ status }) => status?.phase === 'Failed')
    expect(refused.status).toMatchObject({
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    })
    machine.setAvailableMemory(1024)
    await expect.poll(() => condition('MemoryPressure')).toMatchObject({ status: 'False', reason: 'KubeletHasSufficientMemory' })
    await start('welcome')
  })

  it('of processes ends the pod that has most of them', async () => {
    await start('forks', { containers: [shell('for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait')] })
    machine.setProcesses(500)
    const evicted = await kubelet.api.waitForPod('forks', ({ status }) => status?.phase === 'Failed')
    expect(evicted.status?.message).toMatch(/^The node was low on resource: pids\. Threshold quantity: 1k, available: \d+/)
    machine.setProcesses(1_000_000)
    await expect.poll(() => condition('PIDPressure')).toMatchObject({ status: 'False', reason: 'KubeletHasSufficientPID' })
  })

  it('of a full disk says why a pod cannot start, and starts it when there is room', async () => {
    const filler = `${kubelet.node.directory}/kubelet/filler`
    try {
      execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=64k 2>/dev/null || true`])
      const spec = { terminationGracePeriodSeconds: 0, volumes: [{ name: 'v', emptyDir: {} }], containers: [shell('sleep 1000')] }
      await kubelet.api.createPod('squeezed', spec)
      await expect.poll(async () => (await events('squeezed')).join('\n')).toMatch(/no space left on device|ENOSPC/)
    } finally {
      rmSync(filler, { force: true })
    }
    await kubelet.api.waitForPod('squeezed', isReady)
  })
})

describe('a wall clock that is set', () => {
  it.each([
    ['back', -3_600_000],
    ['ahead', 3_600_000],
  ])('%s stops no probe, no restart and no new pod', async (name, offsetMs) => {
    const livenessProbe = { exec: { command: ['test', '!', '-e', '/tmp/ill'] }, periodSeconds: 1, failureThreshold: 1 }
    const script = 'until [ -e /go/ahead ]; do sleep 0.1; done; touch /tmp/ill; sleep 1000'
    const folder = `${kubelet.node.directory}/clock-${name}`
    mkdirSync(folder)
    const volumes = [{ name: 'go', hostPath: { path: folder } }]
    const volumeMounts = [{ name: 'go', mountPath: '/go' }]
    await start(`probed-${name}`, { volumes, containers: [shell(script, { livenessProbe, volumeMounts })] })
    clockOffsetMs += offsetMs
    writeFileSync(`${folder}/ahead`, '')
    const isRestarted = (pod: Pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1
    await kubelet.api.waitForPod(`probed-${name}`, isRestarted)
    await start(`new-${name}`)
    await kubelet.api.deletePod(`new-${name}`)
    await kubelet.api.waitForNoPod(`new-${name}`)
  })
})
