/** A whole kubelet in this process, on a private containerd, with the in-memory API: what the suites run against. */
import { createSelfSigned } from '../../component/self-signed.ts'
import { type Clock, systemClock } from '../../component/clock.ts'
import { createLogger } from '../../component/logger.ts'
import { composeKubelet, type KubeletOptions, type RunningKubelet } from '../../kubelet/compose.ts'
import { type PrivateNode, startPrivateNode } from './private-node.ts'
import { createTestApi, type TestApi } from './test-api.ts'

export interface TestKubelet {
  api: TestApi
  node: PrivateNode
  /** Of the API server, as the kubelet knows it. */
  credentials: { cert: string; key: string }
  running(): RunningKubelet
  /** Drops the kubelet as a kill would: nothing of the pods is touched. */
  crash(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export const nodeName = 'node-1'

export async function startTestKubelet(
  own: (node: PrivateNode) => Partial<KubeletOptions> = () => ({}),
  clock: Clock = systemClock,
): Promise<TestKubelet> {
  const node = await startPrivateNode()
  const api = createTestApi(nodeName)
  const logger = createLogger({ component: 'kubelet', level: process.env.KUBELAB_TEST_LOG ? 'debug' : 'error' })
  const serving = await createSelfSigned('kubelet', ['localhost'], ['127.0.0.1'])
  const credentials = await createSelfSigned('kube-apiserver-kubelet-client', ['apiserver'], ['127.0.0.1'])
  let running: RunningKubelet | undefined

  const start = async () => {
    running = await composeKubelet(
      {
        nodeName,
        nodeIps: ['10.244.7.1'],
        runtimeEndpoint: node.socket,
        rootDirectory: `${node.directory}/kubelet`,
        podLogDirectory: `${node.directory}/log/pods`,
        cgroupRoot: node.cgroupRoot,
        clusterDns: ['10.96.0.10'],
        clusterDomain: 'cluster.local',
        resolvConf: '/dev/null',
        address: '127.0.0.1',
        port: 0,
        tls: { ...serving, ca: credentials.cert },
        maxPods: 110,
        nodeLabels: {},
        registerWithTaints: [],
        registerNode: true,
        statusFrequencyMs: 10_000,
        containerLogMaxBytes: 10 << 20,
        containerLogMaxFiles: 5,
        ...own(node),
      },
      api,
      clock,
      logger,
    )
    await running.kubelet.started
    await api.waitForNode(nodeName)
  }
  await start()
  return {
    api,
    node,
    credentials,
    start,
    running: () => running!,
    crash: () => running!.stop(),
    async stop() {
      await running!.stop()
      await node.stop()
    },
  }
}
