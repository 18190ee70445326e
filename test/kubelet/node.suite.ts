import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Pod } from '../../api/generated/types.ts'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({
    reserved: { cpu: 100, memory: 64 << 20 },
    podMaxPids: 50,
    allowedSysctls: ['kernel.msg*'],
    shutdown: { totalMs: 60_000, criticalMs: 30_000 },
  }))
})
afterAll(() => kubelet.stop())

const shell = (script: string): Container => ({ name: 'main', image: busyboxImage, command: ['sh', '-c', script] })
const node = () => kubelet.api.get('Node', { name: 'node-1' })
const toBytes = (kib: string | undefined) => Number(/^(\d+)Ki$/.exec(kib ?? '')?.[1]) * 1024

describe('a node', () => {
  it('gives pods what is not reserved', async () => {
    const { capacity = {}, allocatable = {} } = (await node()).status ?? {}
    expect(allocatable.cpu).toBe(`${Number(capacity.cpu) * 1000 - 100}m`)
    expect(toBytes(capacity.memory) - toBytes(allocatable.memory)).toBe(64 << 20)
  })

  it('refuses what pods may not ask of its kernel', async () => {
    const withSysctl = (name: string) => ({
      securityContext: { sysctls: [{ name, value: '65000' }] },
      containers: [shell('sleep 1000')],
    })
    await kubelet.api.createPod('forbidden', withSysctl('kernel.sem'))
    const { status } = await kubelet.api.waitForPod('forbidden', (pod) => pod.status?.phase === 'Failed')
    expect(status).toMatchObject({
      reason: 'SysctlForbidden',
      message: 'Pod was rejected: forbidden sysctl: "kernel.sem" not allowlisted',
    })
    // None was ever to be made: what `get pods` shows is the reason.
    expect(status).not.toHaveProperty('containerStatuses')
    await kubelet.api.createPod('allowed', { ...withSysctl('kernel.msgmax'), terminationGracePeriodSeconds: 0 })
    await kubelet.api.waitForPod('allowed', isReady)
  })

  it('lets a pod have no more processes than it may', async () => {
    await kubelet.api.createPod('forks', {
      restartPolicy: 'Never',
      containers: [shell('i=0; while [ $i -lt 100 ]; do sleep 5 & i=$((i+1)); done; wait')],
    })
    await kubelet.api.waitForPod('forks', ({ status }) => /Failed|Succeeded/.test(status?.phase ?? ''))
    expect((await get(kubelet, '/containerLogs/default/forks/main')).body).toContain("can't fork")
  })

  it('tells in full what pods and itself use', async () => {
    await kubelet.api.createPod('used', {
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'work', emptyDir: {} }],
      containers: [
        {
          ...shell('dd if=/dev/zero of=/work/data bs=1M count=2; echo log; sleep 1000'),
          volumeMounts: [{ name: 'work', mountPath: '/work' }],
        },
      ],
    })
    await kubelet.api.waitForPod('used', isReady)
    await expect.poll(async () => (await get(kubelet, '/containerLogs/default/used/main')).body).toContain('log')
    const summary = JSON.parse((await get(kubelet, '/stats/summary')).body) as {
      node: object
      pods: { podRef: { name: string } }[]
    }
    const bytes = expect.any(Number)
    const disk = {
      time: expect.any(String),
      availableBytes: bytes,
      capacityBytes: bytes,
      usedBytes: bytes,
      inodesFree: bytes,
      inodes: bytes,
      inodesUsed: bytes,
    }
    const usage = { cpu: { time: expect.any(String), usageCoreNanoSeconds: bytes, usageNanoCores: bytes } }
    expect(summary.node).toMatchObject({
      ...usage,
      nodeName: 'node-1',
      memory: { availableBytes: bytes, usageBytes: bytes, workingSetBytes: bytes, rssBytes: bytes },
      network: { interfaces: expect.arrayContaining([expect.objectContaining({ name: 'cni0', rxBytes: bytes })]) },
      fs: disk,
      runtime: { imageFs: disk, containerFs: disk },
      rlimit: { maxpid: bytes, curproc: bytes },
      systemContainers: [{ name: 'kubelet' }, { name: 'pods' }],
    })
    const pod = summary.pods.find(({ podRef }) => podRef.name === 'used') as unknown as {
      volume: { name: string; usedBytes: number }[]
    }
    expect(pod).toMatchObject({
      ...usage,
      startTime: expect.any(String),
      memory: { workingSetBytes: bytes, rssBytes: bytes, pageFaults: bytes },
      network: { name: 'eth0', rxBytes: bytes, txBytes: bytes, interfaces: [{ name: 'eth0' }] },
      containers: [{ ...usage, name: 'main', startTime: expect.any(String), rootfs: disk, logs: disk }],
      'ephemeral-storage': disk,
      process_stats: { process_count: bytes },
    })
    expect(pod.volume.find(({ name }) => name === 'work')?.usedBytes).toBeGreaterThanOrEqual(2 << 20)
    const brief = JSON.parse((await get(kubelet, '/stats/summary?only_cpu_and_memory=true')).body) as { pods: object[] }
    expect(brief.pods.some((each) => 'volume' in each)).toBe(false)
    expect((await get(kubelet, '/stats')).status).toBe(404)
  })

  it('shows the files of its log folder, and nothing beside', async () => {
    const list = await get(kubelet, '/logs/')
    expect(list.body).toMatch(/^<pre>\n/)
    expect(await get(kubelet, '/logs/apt/')).toMatchObject({ status: 200 })
    expect(await get(kubelet, '/logs/none')).toEqual({ status: 404, body: '404 page not found\n' })
    for (const path of ['/logs/../../etc/passwd', '/logs/%2e%2e/%2e%2e/etc/passwd', '/logs/..%2f..%2fetc/passwd'])
      expect(await get(kubelet, path)).toMatchObject({ status: 404 })
  })
})

describe('a node that goes down', () => {
  it('ends its pods in their order, tells so, and takes no more', async () => {
    const script = 'trap "exit 0" TERM; sleep 1000 & wait'
    await kubelet.api.createPod('ordinary', { containers: [shell(script)] })
    await kubelet.api.createPod('critical', { containers: [shell(script)], priority: 2_000_001_000 })
    await kubelet.api.createPod('complete', { restartPolicy: 'Never', containers: [shell('true')] })
    await kubelet.api.waitForPod('ordinary', isReady)
    await kubelet.api.waitForPod('critical', isReady)
    await kubelet.api.waitForPod('complete', ({ status }) => status?.phase === 'Succeeded')
    await kubelet.running().stop()

    const read = (name: string) => kubelet.api.get('Pod', { namespace: 'default', name })
    const [ordinary, critical] = [await read('ordinary'), await read('critical')]
    for (const { status } of [ordinary, critical]) {
      expect(status).toMatchObject({
        phase: 'Failed',
        reason: 'Terminated',
        message: 'Pod was terminated in response to imminent node shutdown.',
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
        ]),
      })
    }
    const endOf = ({ status }: Pod) => Date.parse(status?.containerStatuses?.[0]?.state?.terminated?.finishedAt ?? '')
    expect(endOf(critical)).toBeGreaterThanOrEqual(endOf(ordinary))
    expect((await read('complete')).status?.phase).toBe('Succeeded')
    expect((await node()).status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message: 'node is shutting down',
    })
    // The machine is up again: what was ended stays so, and new pods run.
    await kubelet.start()
    await kubelet.api.createPod('after', { terminationGracePeriodSeconds: 0, containers: [shell('sleep 1000')] })
    await kubelet.api.waitForPod('after', isReady)
    expect((await read('ordinary')).status?.reason).toBe('Terminated')
  })
})
