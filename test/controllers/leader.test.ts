/** Two controller managers: one leads; when it is killed the other takes over, no sooner than the lease allows, and does nothing again. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { waitFor } from '../../client/wait-for.ts'
import { startTestServer, type TestServer } from '../apiserver/start-server.ts'
import { startFakeKubelet, type FakeKubelet } from './fake-kubelet.ts'
import { startManager, type ManagerProcess } from './manager-process.ts'

const timeoutMs = 100_000
const namespace = 'default'
/** As long as upstream's, nearly: on a busy machine a leader must not lose a lease that nobody takes from it. */
const leaseMs = 12_000
const lease = { namespace: 'kube-system', name: 'kube-controller-manager', timeoutMs }
const flags = [
  '--leader-elect=true',
  `--leader-elect-lease-duration=${leaseMs}ms`,
  '--leader-elect-renew-deadline=11s',
  '--leader-elect-retry-period=500ms',
  '--controllers=*,-node-lifecycle-controller,-taint-eviction-controller',
]

let server: TestServer
let client: RestClient
let kubelet: FakeKubelet
const managers: ManagerProcess[] = []

beforeAll(async () => {
  server = await startTestServer()
  client = createApiClient(await loadClientConfig({ path: server.kubeconfig }))
  await client.create('Node', { metadata: { name: 'node-1' }, spec: {} })
  kubelet = startFakeKubelet(client)
})
afterAll(async () => {
  await Promise.all(managers.map((manager) => manager.kill()))
  await kubelet.stop()
  await client.close()
  await server.stop()
})

const heldBy = async (isHolder: (identity: string) => boolean) => {
  const [found] = await waitFor(client, 'Lease', lease, ([held]) => isHolder(held?.spec.holderIdentity ?? ''))
  return found!
}

test('the second manager takes over from the killed leader and does nothing twice', { timeout: 3 * timeoutMs }, async () => {
  managers.push(startManager(server.kubeconfig, flags))
  const first = await heldBy((identity) => identity !== '')
  managers.push(startManager(server.kubeconfig, flags))

  // The leader is killed when it has made a part of them; only a leader can make the rest.
  const replicas = 30
  const made = new Set<string>()
  let killed: Promise<void> | undefined
  kubelet.pods.addHandlers({
    added({ metadata }: Pod) {
      made.add(metadata.uid)
      if (made.size >= 5) killed ??= managers[0]!.kill()
    },
  })
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'web:1' }] },
  }
  const spec = { replicas, serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template }
  await client.create('StatefulSet', { metadata: { namespace, name: 'web' }, spec } as never)
  await waitFor(client, 'StatefulSet', { namespace, name: 'web', timeoutMs }, ([set]) => set?.status?.readyReplicas === replicas)
  await killed

  const second = await heldBy((identity) => identity !== first.spec.holderIdentity && identity !== '')
  expect(second.spec.leaseTransitions).toBe(1)
  expect(made.size).toBe(replicas)
  // Its place was kept for as long as it might still have been at work.
  const elections = async () =>
    (await client.list('Event', { namespace: 'kube-system' })).items
      .filter(({ reason }) => reason === 'LeaderElection')
      .map(({ message }) => message)
  // Events are written beside the work.
  await expect
    .poll(elections, { timeout: timeoutMs })
    .toEqual([`${first.spec.holderIdentity} became leader`, `${second.spec.holderIdentity} became leader`])
  const early = Date.parse(second.spec.acquireTime!) - Date.parse(first.spec.renewTime!) < leaseMs
  expect(early).toBe(false)
})

test('a leader that is asked to leave gives the lease back', { timeout: 3 * timeoutMs }, async () => {
  await managers[1]!.stop()
  const left = await heldBy((identity) => identity === '')
  expect(left.spec.leaseDurationSeconds).toBe(1)
})
