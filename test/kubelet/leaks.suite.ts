import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../api/generated/types.ts'
import { connectCri } from '../../kubelet/runtime/cri-client.ts'
import { busyboxImage } from './oci-archive.ts'
import { get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

/** 200 in full size. */
const lives = Number(process.env.KUBELAB_TEST_LIVES ?? 10)
/** 30 in full size. */
const survivors = Number(process.env.KUBELAB_TEST_SURVIVORS ?? 4)
const atOnce = 5

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({ statusFrequencyMs: 1000 }))
  await kubelet.api.create('Secret', { metadata: { namespace: 'default', name: 'key' }, data: { key: 'aGlkZGVu' } })
})
afterAll(() => kubelet.stop())

const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: busyboxImage,
  command: ['sh', '-c', script],
  ...more,
})

/** One life of each kind, in turns: mounts of every sort, several containers, bad ends. */
const kinds: readonly Partial<PodSpec>[] = [
  { containers: [shell('sleep 1000')] },
  {
    volumes: [
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'disk', emptyDir: {} },
      { name: 'secret', secret: { secretName: 'key' } },
      { name: 'image', image: { reference: busyboxImage, pullPolicy: 'IfNotPresent' } },
    ],
    initContainers: [shell('true', { name: 'first' })],
    containers: [
      shell('sleep 1000', {
        resources: { limits: { cpu: '100m', memory: '32Mi' } },
        volumeMounts: [
          { name: 'memory', mountPath: '/memory' },
          { name: 'disk', mountPath: '/part', subPath: 'a/b' },
          { name: 'secret', mountPath: '/key', subPath: 'key' },
          { name: 'image', mountPath: '/image' },
        ],
      }),
      shell('sleep 1000', { name: 'other', resources: { requests: { cpu: '10m' } } }),
    ],
  },
  { restartPolicy: 'Never', containers: [shell('exit 1')] },
  { hostNetwork: true, containers: [shell('sleep 1000')] },
  { containers: [{ name: 'main', image: busyboxImage, command: ['/no/such/program'] }] },
]
const isSettled = (pod: Pod) => {
  const state = pod.status?.containerStatuses?.[0]?.state
  return isReady(pod) || pod.status?.phase === 'Failed' || state?.waiting?.reason === 'RunContainerError'
}

async function live(name: string, spec: Partial<PodSpec>): Promise<void> {
  await kubelet.api.createPod(name, { terminationGracePeriodSeconds: 0, ...spec })
  await kubelet.api.waitForPod(name, isSettled)
  await kubelet.api.deletePod(name)
  await kubelet.api.waitForNoPod(name)
}

const lines = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n').length
const ctr = (...args: string[]) => lines('ctr', '--address', kubelet.node.socket, '--namespace', 'k8s.io', ...args)
const names = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])

function countFolders(folder: string): number {
  const inner =
    names(folder).length === 0 ? [] : readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return inner.reduce((total, { name }) => total + 1 + countFolders(path.join(folder, name)), 0)
}

/** Zombies are the init process's to reap, which in these namespaces is the test itself. */
const isAlive = (pid: string): boolean => {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** What a pod takes of the node, whichever part of it. */
async function count(): Promise<Record<string, number>> {
  const cri = connectCri(kubelet.node.socket)
  const [{ items }, { containers }] = await Promise.all([cri.call('ListPodSandbox', {}), cri.call('ListContainers', {})])
  cri.close()
  const { directory, cgroupRoot } = kubelet.node
  return {
    sandboxes: items.length,
    containers: containers.length,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    cgroups: names('/sys/fs/cgroup').reduce(
      (total, name) => total + countFolders(path.join('/sys/fs/cgroup', name, cgroupRoot)),
      0,
    ),
    links: lines('ip', '-o', 'link'),
    networks: names('/run/netns').length,
    addresses: names(`${directory}/ipam/pods`).filter((name) => /^\d/.test(name)).length,
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isAlive(name)).length,
    snapshots: ctr('snapshots', 'ls'),
    leases: ctr('leases', 'ls'),
    podFolders: names(`${directory}/kubelet/pods`).length,
    memoryVolumes: names(`${directory}/kubelet/memory-volumes`).length,
    logFolders: names(`${directory}/log/pods`).length,
    logLinks: names(`${directory}/log/containers`).length,
    taskFolders: names('/run/containerd/state/io.containerd.runtime.v2.task/k8s.io').length,
  }
}

/** What is there of single pods; nothing once the last one has gone. */
async function leftOf(): Promise<string[]> {
  const { sandboxes, containers, networks, addresses, podFolders, memoryVolumes, logFolders, logLinks, taskFolders } =
    await count()
  const found = { sandboxes, containers, networks, addresses, podFolders, memoryVolumes, logFolders, logLinks, taskFolders }
  return Object.entries(found).flatMap(([what, number]) => (number === 0 ? [] : [`${number} ${what}`]))
}

/** What there is more of. What was on its way out when `before` was counted has gone since: less is no leak. */
async function moreThan(before: Record<string, number>): Promise<string[]> {
  return Object.entries(await count()).flatMap(([what, number]) =>
    number > before[what]! ? [`${number - before[what]!} ${what}`] : [],
  )
}

describe('pods that have lived', () => {
  it(`leave nothing, ${lives} of them`, { timeout: 120_000 + lives * 6_000 }, async () => {
    // The first of each kind also makes what stays: the bridge, and the groups above those of pods.
    await Promise.all(kinds.map((kind, index) => live(`first-${index}`, kind)))
    await expect.poll(leftOf).toEqual([])
    const before = await count()
    for (let round = 0; round < lives; round += atOnce)
      await Promise.all(
        Array.from({ length: Math.min(atOnce, lives - round) }, (_, index) =>
          live(`life-${round + index}`, kinds[(round + index) % kinds.length]!),
        ),
      )
    await expect.poll(() => moreThan(before)).toEqual([])
  })
})

describe('pods that live on', () => {
  const pods = Array.from({ length: survivors }, (_, index) => `survivor-${index}`)
  const read = (name: string) => kubelet.api.get('Pod', { namespace: 'default', name })
  const main = ({ status }: Pod) => status?.containerStatuses?.[0]
  const identities = async () =>
    (await Promise.all(pods.map(read))).map((pod) => [main(pod)?.containerID, main(pod)?.restartCount])
  const beats = async (name: string) => (await get(kubelet, `/containerLogs/default/${name}/main`)).body.split('\n').length
  let before: unknown[]

  beforeAll(
    async () => {
      const spec = { terminationGracePeriodSeconds: 0, containers: [shell('while true; do echo beat; sleep 0.2; done')] }
      for (const name of pods) await kubelet.api.createPod(name, spec)
      for (const name of pods) await kubelet.api.waitForPod(name, isReady)
      before = await identities()
    },
    120_000 + survivors * 6_000,
  )

  it('outlive their kubelet, and the next one knows them', async () => {
    await kubelet.crash()
    await kubelet.start()
    for (const name of pods) await kubelet.api.waitForPod(name, isReady)
    expect(await identities()).toEqual(before)
  })

  it('outlive their runtime: the node says that it is down, and goes on when it is back', async () => {
    const ready = async () =>
      (await kubelet.api.get('Node', { name: 'node-1' })).status?.conditions?.find(({ type }) => type === 'Ready')
    const shown = await beats('survivor-0')
    await kubelet.node.killRuntime()
    await expect.poll(ready).toMatchObject({ status: 'False', message: expect.stringContaining('container runtime is down') })
    // Nobody reads its output meanwhile; the process runs all the same, and what it said is there afterwards.
    await kubelet.node.startRuntime()
    await expect.poll(ready).toMatchObject({ status: 'True' })
    expect(await identities()).toEqual(before)
    await expect.poll(() => beats('survivor-0')).toBeGreaterThan(shown)
    await live('after', kinds[0]!)
  })

  it('come back when their shim is killed, and only they', async () => {
    const [victim = '', ...others] = pods
    const { metadata } = await read(victim)
    const cri = connectCri(kubelet.node.socket)
    const filter = { labelSelector: { 'io.kubernetes.pod.uid': metadata.uid } }
    const { items } = await cri.call('ListPodSandbox', { filter })
    cri.close()
    const shims = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(`-id\0${items[0]!.id}`))
    expect(shims).toHaveLength(1)
    process.kill(Number(shims[0]), 'SIGKILL')
    const isBack = (pod: Pod) => isReady(pod) && main(pod)?.restartCount === 1
    await kubelet.api.waitForPod(victim, isBack)
    expect((await identities()).slice(1)).toEqual(before.slice(1))
    expect(others).toHaveLength(survivors - 1)
  })

  it('are gone without a trace in the end, all of that considered', async () => {
    for (const name of pods) await kubelet.api.deletePod(name)
    for (const name of pods) await kubelet.api.waitForNoPod(name)
    await expect.poll(leftOf).toEqual([])
  })
})

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
