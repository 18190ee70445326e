import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../api/generated/types.ts'
import { connectCri } from '../../kubelet/runtime/cri-client.ts'
import { busyboxImage } from './oci-archive.ts'
import { exec, get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet()
})
afterAll(() => kubelet.stop())

const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: busyboxImage,
  command: ['sh', '-c', script],
  ...more,
})
const logs = async (pod: string) => (await get(kubelet, `/containerLogs/default/${pod}/main`)).body
const run = async (pod: string, script: string, container = 'main') =>
  (
    await exec(
      kubelet,
      `/exec/default/${pod}/${container}?output=1&command=sh&command=-c&command=${encodeURIComponent(script)}`,
      'v5.channel.k8s.io',
    )
  ).stdout

/** Runs to its end and answers its output. */
async function output(name: string, script: string, spec: Partial<PodSpec> = {}, more: Partial<Container> = {}): Promise<string> {
  await kubelet.api.createPod(name, { restartPolicy: 'Never', containers: [shell(script, more)], ...spec })
  await kubelet.api.waitForPod(name, ({ status }) => status?.phase === 'Succeeded')
  return logs(name)
}

async function start(name: string, spec: Partial<PodSpec>): Promise<Pod> {
  await kubelet.api.createPod(name, { terminationGracePeriodSeconds: 0, containers: [shell('sleep 1000')], ...spec })
  return kubelet.api.waitForPod(name, isReady)
}

// Each test has pods of its own, and mostly waits for the runtime.
describe.concurrent('a pod sees', () => {
  it("the cluster's name servers, its own name and its hosts", async () => {
    const spec = { hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '1.2.3.4', hostnames: ['alias'] }] }
    const text = await output('names', 'cat /etc/resolv.conf /etc/hosts; hostname', spec)
    expect(text).toContain('nameserver 10.96.0.10')
    expect(text).toContain('search default.svc.cluster.local svc.cluster.local cluster.local')
    expect(text).toMatch(/10\.244\.7\.\d+\tdb-0\.db\.default\.svc\.cluster\.local\tdb-0/)
    expect(text).toContain('1.2.3.4\talias')
    expect(text).toMatch(/\ndb-0\n$/)
  })

  it("the node's network and processes only when it asks for them", async () => {
    const script = 'ip -o link; ls -d /proc/[0-9]* | wc -l'
    const own = await output('own', script)
    const shared = await output('shared', script, { hostNetwork: true, hostPID: true })
    expect(own).toMatch(/ eth0@/)
    expect(shared).toMatch(/ cni0:/)
    expect(Number(shared.trim().split('\n').at(-1))).toBeGreaterThan(Number(own.trim().split('\n').at(-1)))
    expect((await kubelet.api.get('Pod', { namespace: 'default', name: 'shared' })).status?.podIP).toBe('10.244.7.1')
  })

  it('its own containers when they share their processes', async () => {
    await start('family', {
      shareProcessNamespace: true,
      containers: [shell('sleep 1001'), shell('sleep 1002', { name: 'other' })],
    })
    expect(await run('family', 'ps')).toMatch(/sleep 1002/)
  })

  it('only the part of a volume that it mounts, and never what a link in it points to', async () => {
    const folder = `${kubelet.node.directory}/shared`
    mkdirSync(`${folder}/inner`, { recursive: true })
    writeFileSync(`${folder}/inner/file`, 'inside')
    execFileSync('ln', ['-s', '/etc', `${folder}/escape`])
    const volumes = [{ name: 'v', hostPath: { path: folder, type: 'Directory' } }]
    const mount = (subPath: string) => ({ volumeMounts: [{ name: 'v', mountPath: '/data', subPath }] })
    expect(await output('part', 'cat /data/file', { volumes, containers: [shell('cat /data/file', mount('inner'))] })).toBe(
      'inside',
    )
    await kubelet.api.createPod('escape', { volumes, containers: [shell('ls /data', mount('escape'))] })
    const pod = await kubelet.api.waitForPod(
      'escape',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain('subpath "escape" not within volume path')
  })

  it('memory as a file system, of the size it asked for', async () => {
    const volumes = [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } }]
    const text = await output(
      'memory',
      'grep " /data " /proc/mounts; df -m /data | tail -1',
      { volumes },
      { volumeMounts: [{ name: 'v', mountPath: '/data' }] },
    )
    expect(text).toMatch(/tmpfs \/data tmpfs/)
    expect(text).toMatch(/tmpfs\s+4\s/)
  })

  it('secrets from memory only', async () => {
    await kubelet.api.create('Secret', {
      metadata: { namespace: 'default', name: 'key' },
      data: { key: Buffer.from('hidden').toString('base64') },
    })
    const volumes = [{ name: 'v', secret: { secretName: 'key', defaultMode: 0o400 } }]
    const text = await output(
      'secret',
      'cat /key/key; stat -L -c " %a" /key/key; grep " /key " /proc/mounts',
      { volumes },
      { volumeMounts: [{ name: 'v', mountPath: '/key', readOnly: true }] },
    )
    expect(text).toMatch(/^hidden 400\ntmpfs \/key tmpfs ro/)
  })

  it('its limits, and is ended when it takes more memory', async () => {
    const limits = { cpu: '500m', memory: '32Mi' }
    await kubelet.api.createPod('hungry', {
      restartPolicy: 'Never',
      containers: [shell('head -c 100m /dev/zero | tail', { resources: { limits, requests: limits } })],
    })
    const pod = await kubelet.api.waitForPod('hungry', ({ status }) => status?.phase === 'Failed')
    expect(pod.status).toMatchObject({
      qosClass: 'Guaranteed',
      containerStatuses: [{ state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }],
    })
    await start('limited', { containers: [shell('sleep 1000', { resources: { limits, requests: limits } })] })
    const cgroup = /cpu:(\S+)/.exec(await run('limited', 'cat /proc/self/cgroup'))?.[1]
    expect(cgroup).toBeDefined()
    const uid = (await kubelet.api.get('Pod', { namespace: 'default', name: 'limited' })).metadata.uid
    const group = `/sys/fs/cgroup/cpu${kubelet.node.cgroupRoot}/kubepods/pod${uid}`
    expect(readFileSync(`${group}/cpu.cfs_quota_us`, 'utf8').trim()).toBe('50000')
    expect(readFileSync(`${group}/cpu.shares`, 'utf8').trim()).toBe('512')
  })

  it('no more capabilities than it was given', async () => {
    const security = { capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] }, seccompProfile: { type: 'RuntimeDefault' } }
    const text = await output('weak', 'grep -E "CapEff|Seccomp:" /proc/self/status', {}, { securityContext: security })
    expect(text).toMatch(/CapEff:\s+0+1000\n/)
    expect(text).toMatch(/Seccomp:\s+2/)
  })
})

describe.concurrent('a pod', () => {
  it('is reached on a port of its node', async ({ expect }) => {
    await start('server', {
      containers: [
        shell('while true; do echo here | nc -l -p 8000; done', { ports: [{ containerPort: 8000, hostPort: 30800 }] }),
      ],
    })
    const read = () =>
      new Promise<string>((resolve) => {
        const socket = net.connect({ host: '10.244.7.1', port: 30_800 })
        socket.on('data', (data) => resolve(data.toString()))
        socket.on('error', (error) => resolve(error.message))
      })
    await expect.poll(read).toBe('here\n')
  })

  it('takes another container while it runs', async () => {
    await start('debugged', {})
    const ephemeralContainers = [
      { name: 'debugger', image: busyboxImage, command: ['sleep', '1003'], targetContainerName: 'main' },
    ]
    await kubelet.api.patch(
      'Pod',
      { namespace: 'default', name: 'debugged' },
      { spec: { ephemeralContainers } },
      { type: 'application/strategic-merge-patch+json' },
    )
    const isRunning = ({ status }: Pod) => status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined
    await kubelet.api.waitForPod('debugged', isRunning)
    expect(await run('debugged', 'ps', 'debugger')).toMatch(/sleep 1000/)
  })

  it('gets a new sandbox when its old one dies', async () => {
    const before = await start('orphaned', {})
    const cri = connectCri(kubelet.node.socket)
    const filter = { labelSelector: { 'io.kubernetes.pod.uid': before.metadata.uid } }
    const { items } = await cri.call('ListPodSandbox', { filter })
    cri.close()
    const tasks = execFileSync('ctr', ['--address', kubelet.node.socket, '--namespace', 'k8s.io', 'tasks', 'ls'], {
      encoding: 'utf8',
    })
    process.kill(Number(new RegExp(`${items[0]!.id}\\s+(\\d+)`).exec(tasks)![1]), 'SIGKILL')
    const after = await kubelet.api.waitForPod(
      'orphaned',
      (pod) => isReady(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 1,
    )
    expect(after.status?.podIP).not.toBe(before.status?.podIP)
  })

  it('is resized without a restart, as far as the node has room', async ({ expect }) => {
    const sized = (cpu: string, memory: string) => ({
      spec: { containers: [{ name: 'main', resources: { limits: { cpu, memory }, requests: { cpu, memory } } }] },
    })
    const resize = (cpu: string, memory = '32Mi') =>
      kubelet.api.patch('Pod', { namespace: 'default', name: 'elastic' }, sized(cpu, memory), {
        type: 'application/strategic-merge-patch+json',
      })
    await start('elastic', { containers: [shell('sleep 1000', sized('100m', '32Mi').spec.containers[0])] })
    await resize('300m')
    const pod = await kubelet.api.waitForPod(
      'elastic',
      ({ status }) => status?.containerStatuses?.[0]?.resources?.limits?.cpu === '300m',
    )
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, allocatedResources: { cpu: '300m' } })
    const id = pod.status!.containerStatuses![0]!.containerID!.replace('containerd://', '')
    const group = `/sys/fs/cgroup/cpu${kubelet.node.cgroupRoot}/kubepods/pod${pod.metadata.uid}`
    expect([group, `${group}/${id}`].map((path) => readFileSync(`${path}/cpu.cfs_quota_us`, 'utf8').trim())).toEqual([
      '30000',
      '30000',
    ])
    await resize('300m', '48Mi')
    const memoryGroup = group.replace('/cpu/', '/memory/')
    const memory = () =>
      [memoryGroup, `${memoryGroup}/${id}`].map((path) => readFileSync(`${path}/memory.limit_in_bytes`, 'utf8').trim())
    await expect.poll(memory).toEqual([String(48 << 20), String(48 << 20)])
    await resize('300m', '24Mi')
    await expect.poll(memory).toEqual([String(24 << 20), String(24 << 20)])
    await resize('500')
    const pending = await kubelet.api.waitForPod(
      'elastic',
      ({ status }) => status?.conditions?.some(({ type }) => type === 'PodResizePending') ?? false,
    )
    expect(pending.status?.conditions?.find(({ type }) => type === 'PodResizePending')).toMatchObject({
      status: 'True',
      reason: 'Infeasible',
    })
    await resize('200m')
    await kubelet.api.waitForPod(
      'elastic',
      ({ status }) =>
        status?.containerStatuses?.[0]?.resources?.limits?.cpu === '200m' &&
        !status.conditions?.some(({ type }) => type.startsWith('PodResize')),
    )
  })

  it('runs the new image that it is given', async () => {
    await start('updated', {})
    const containers = [{ name: 'main', image: 'busybox:1.36' }]
    await kubelet.api.patch(
      'Pod',
      { namespace: 'default', name: 'updated' },
      { spec: { containers } },
      { type: 'application/strategic-merge-patch+json' },
    )
    const pod = await kubelet.api.waitForPod(
      'updated',
      (candidate) => isReady(candidate) && candidate.status?.containerStatuses?.[0]?.restartCount === 1,
    )
    expect(pod.status?.observedGeneration).toBe(2)
  })

  it('tells what keeps it from starting', async () => {
    await kubelet.api.createPod('wrong', { containers: [{ name: 'main', image: busyboxImage, command: ['/no/such/program'] }] })
    const pod = await kubelet.api.waitForPod(
      'wrong',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'RunContainerError',
    )
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain('no such file or directory')
    await kubelet.api.createPod('root', { containers: [shell('id', { securityContext: { runAsNonRoot: true } })] })
    const refused = await kubelet.api.waitForPod(
      'root',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(refused.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(
      'container has runAsNonRoot and image will run as root',
    )
  })
})
