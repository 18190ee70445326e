import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { systemClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { createTestApi, isReady, type TestApi } from './test-api.ts'
import { composeKubelet, type RunningKubelet } from '../../kubelet/compose.ts'
import { createHollowPlatform, hollowExitCode, hollowRunFor } from '../../kubelet/runtime/hollow-runtime.ts'

let folder: string
let api: TestApi
let node: RunningKubelet
/** What the runtime is told by chance: below the rate a start fails. */
let chance = 1

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hollow-'))
  api = createTestApi('hollow-1')
  const tls = await createSelfSigned('hollow', ['localhost'], ['127.0.0.1'])
  const platform = createHollowPlatform({
    clock: systemClock,
    startMs: 1,
    failureRate: 0.5,
    podCidr: '10.200.1.0/24',
    random: () => chance,
  })
  node = await composeKubelet(
    {
      platform,
      tls,
      nodeName: 'hollow-1',
      nodeIps: ['127.0.0.1'],
      runtimeEndpoint: '',
      rootDirectory: folder,
      podLogDirectory: path.join(folder, 'log', 'pods'),
      cgroupRoot: '/',
      clusterDns: [],
      clusterDomain: 'cluster.local',
      resolvConf: '/dev/null',
      address: '127.0.0.1',
      port: 0,
      maxPods: 110,
      nodeLabels: {},
      registerWithTaints: [],
      registerNode: true,
      statusFrequencyMs: 10_000,
      containerLogMaxBytes: 1,
      containerLogMaxFiles: 1,
      processMetrics: false,
    },
    api,
    systemClock,
    silentLogger,
  )
  await node.kubelet.started
})
afterAll(async () => {
  await node.stop()
  await rm(folder, { recursive: true })
})

const containers = [{ name: 'main', image: 'any:1', readinessProbe: { httpGet: { port: 80 } } }]
const main = ({ status }: Pod) => status?.containerStatuses?.[0]

describe('a hollow node', () => {
  it('is ready, and says what it is', async () => {
    const read = async () => (await api.list('Node')).items[0]?.status
    await expect.poll(read, { timeout: 20_000 }).toMatchObject({ nodeInfo: { containerRuntimeVersion: 'hollow://1.0.0' } })
    expect((await read())?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
  })

  it('has its pods ready with addresses of their own, and lets them go without a trace', async () => {
    for (const name of ['one', 'two']) await api.createPod(name, { containers })
    const [one, two] = [await api.waitForPod('one', isReady), await api.waitForPod('two', isReady)]
    expect([one, two].map(({ status }) => status?.podIP).toSorted()).toEqual(['10.200.1.2', '10.200.1.3'])
    for (const name of ['one', 'two']) await api.deletePod(name)
    for (const name of ['one', 'two']) await api.waitForNoPod(name)
    await expect.poll(() => readdirSync(path.join(folder, 'pods')), { timeout: 20_000 }).toEqual([])
  })

  it('ends a pod as the pod asks for it', async () => {
    const annotations = { [hollowRunFor]: '20ms', [hollowExitCode]: '3' }
    await api.createPod('brief', { containers, restartPolicy: 'Never' }, { annotations })
    const pod = await api.waitForPod('brief', ({ status }) => status?.phase === 'Failed')
    expect(main(pod)?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
  })

  it('fails to start what chance has picked, and says so', async () => {
    chance = 0
    await api.createPod('unlucky', { containers })
    const told = async () => (await api.list('Event')).items.map(({ message }) => message)
    await expect
      .poll(told, { timeout: 20_000 })
      .toContain('Failed to create pod sandbox: failed to start sandbox: the hollow runtime was told to fail')
    chance = 1
    await api.waitForPod('unlucky', isReady)
  })
})
