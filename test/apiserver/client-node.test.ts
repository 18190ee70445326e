/** The JavaScript client that Kubernetes publishes, as somebody else's opinion of what a server answers. */
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions, Watch } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let config: KubeConfig

beforeAll(async () => {
  server = await startTestServer()
  config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
})
afterAll(() => server.stop())

test('creates, reads, patches, lists, watches and deletes a pod', async () => {
  const core = config.makeApiClient(CoreV1Api)
  const seen: string[] = []
  let done = () => {}
  const deleted = new Promise<void>((resolve) => (done = resolve))
  const abort = await new Watch(config).watch(
    '/api/v1/namespaces/default/pods',
    {},
    (type: string) => {
      seen.push(type)
      if (type === 'DELETED') done()
    },
    () => {},
  )
  const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const created = await core.createNamespacedPod({ namespace: 'default', body })
  expect(created.metadata!.creationTimestamp).toBeInstanceOf(Date)
  expect(created.spec).toMatchObject({ restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' })

  const patch = { metadata: { labels: { a: 'b' } } }
  await core.patchNamespacedPod(
    { name: 'p', namespace: 'default', body: patch },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  )
  const { items } = await core.listNamespacedPod({ namespace: 'default', labelSelector: 'a=b' })
  expect(items.map(({ metadata }) => metadata!.name)).toEqual(['p'])
  await expect(core.readNamespacedPod({ name: 'none', namespace: 'default' })).rejects.toMatchObject({ code: 404 })
  await core.deleteNamespacedPod({ name: 'p', namespace: 'default', gracePeriodSeconds: 0 })
  await deleted
  expect(seen).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  abort.abort()
})
