/** The controller manager is killed in the middle of its work, as often as not: nothing is made twice, nothing stays behind, all is finished. */
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { controllerOf } from '../../api/object.ts'
import { isNotFound } from '../../api/status.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { waitFor } from '../../client/wait-for.ts'
import { startTestServer, type TestServer } from '../apiserver/start-server.ts'
import { startFakeKubelet, type FakeKubelet } from './fake-kubelet.ts'
import { startManager, type ManagerProcess } from './manager-process.ts'

/** `FULL=1`: the sizes that users have. */
const full = process.env.FULL === '1'
const timeoutMs = 100_000
const namespace = 'shop'

let server: TestServer
let client: RestClient
let kubelet: FakeKubelet
let manager: ManagerProcess | undefined

beforeAll(async () => {
  server = await startTestServer()
  client = createApiClient(await loadClientConfig({ path: server.kubeconfig }))
  await client.create('Node', { metadata: { name: 'node-1' }, spec: {} })
})
afterAll(async () => {
  await client.close()
  await server.stop()
})
beforeEach(async () => {
  await client.create('Namespace', { metadata: { name: namespace }, spec: {} })
  kubelet = startFakeKubelet(client)
  await kubelet.pods.whenSynced()
})
afterEach(async () => {
  await manager?.kill()
  await kubelet.stop()
})

/** No kubelet says that the node lives: that must not matter here. */
const start = () => startManager(server.kubeconfig, ['--controllers=*,-node-lifecycle-controller,-taint-eviction-controller'])

/** Kills the manager each time when this many more pods have been seen that `counts`, and starts another. */
function killAt(counts: (pod: Pod) => boolean, marks: number[]): { kills: () => number } {
  const seen = new Set<string>()
  let kills = 0
  const look = (pod: Pod) => {
    if (!counts(pod)) return
    seen.add(pod.metadata.uid)
    if (seen.size < (marks[0] ?? Infinity)) return
    marks.shift()
    kills++
    const old = manager!
    void old.kill().then(() => (manager = start()))
  }
  kubelet.pods.addHandlers({ added: look, updated: look })
  return { kills: () => kills }
}

const template = (image: string, more: object = {}) => ({
  metadata: { labels: { app: 'web' } } as never,
  spec: { nodeName: 'node-1', containers: [{ name: 'c', image }], ...more },
})

const deleteNamespace = async () => {
  await client.delete('Namespace', { name: namespace })
  await waitFor(client, 'Namespace', { name: namespace, timeoutMs }, (found) => found.length === 0)
}

test('a rollout goes on where it was, within its limits', { timeout: 2 * timeoutMs }, async () => {
  const replicas = full ? 100 : 30
  const surge = replicas / 5
  manager = start()
  await client.create('Deployment', {
    metadata: { namespace, name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: surge } },
      template: template('web:1'),
    },
  })
  const complete = () =>
    waitFor(client, 'Deployment', { namespace, name: 'web', timeoutMs }, ([deployment]) => {
      const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas: total } = deployment?.status ?? {}
      const seen = observedGeneration >= (deployment?.metadata.generation ?? 0)
      return seen && [updatedReplicas, availableReplicas, total].every((count) => count === replicas)
    })
  await complete()

  const made = new Set<string>()
  let fewest = Infinity
  const isNew = ({ spec }: Pod) => spec.containers[0]?.image === 'web:2'
  const count = (pod: Pod) => {
    if (isNew(pod)) made.add(pod.metadata.uid)
    const serving = kubelet.pods.store
      .list()
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Running')
    fewest = Math.min(fewest, serving.length)
  }
  kubelet.pods.addHandlers({ added: count, updated: count, deleted: count })
  const { kills } = killAt(isNew, [replicas / 4, (replicas * 3) / 4].map(Math.floor))
  await client.patch(
    'Deployment',
    { namespace, name: 'web' },
    { spec: { template: template('web:2') } },
    { type: 'application/merge-patch+json' },
  )
  await complete()
  expect(kills()).toBe(2)
  expect(made.size).toBe(replicas)
  expect(fewest).toBeGreaterThanOrEqual(replicas - surge)
  const sets = (await client.list('ReplicaSet', { namespace })).items.map(({ spec }) => spec.replicas)
  expect(sets.toSorted()).toEqual([0, replicas])
  await deleteNamespace()
})

test('each pod of a job is counted once', { timeout: 2 * timeoutMs }, async () => {
  const completions = full ? 50 : 24
  manager = start()
  const isOfJob = (pod: Pod) => controllerOf(pod)?.kind === 'Job'
  const made = new Set<string>()
  kubelet.pods.addHandlers({ added: (pod) => void (isOfJob(pod) && made.add(pod.metadata.uid)) })
  const { kills } = killAt(
    (pod) => isOfJob(pod) && pod.status?.phase === 'Succeeded',
    [completions / 3, (completions * 2) / 3].map(Math.floor),
  )
  await client.create('Job', {
    metadata: { namespace, name: 'pi' },
    spec: { completions, parallelism: 5, completionMode: 'Indexed', template: template('pi:1', { restartPolicy: 'Never' }) },
  })
  const [job] = await waitFor(client, 'Job', { namespace, name: 'pi', timeoutMs }, ([found]) =>
    (found?.status?.conditions ?? []).some(({ type, status }) => type === 'Complete' && status === 'True'),
  )
  expect(kills()).toBe(2)
  expect(job?.status).toMatchObject({ succeeded: completions, completedIndexes: `0-${completions - 1}` })
  expect(job?.status?.failed).toBeUndefined()
  expect(made.size).toBe(completions)
  await deleteNamespace()
})

test('a namespace goes with all that is in it', { timeout: 2 * timeoutMs }, async () => {
  const each = full ? 300 : 40
  manager = start()
  const inParallel = (make: (index: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: each }, (_, index) => make(index)))
  await inParallel((index) => client.create('ConfigMap', { metadata: { namespace, name: `map-${index}` }, data: { a: 'b' } }))
  await inParallel((index) => client.create('Secret', { metadata: { namespace, name: `secret-${index}` } }))
  await client.create('ReplicaSet', {
    metadata: { namespace, name: 'web' },
    spec: { replicas: each, selector: { matchLabels: { app: 'web' } }, template: template('web:1') },
  })
  await waitFor(client, 'ReplicaSet', { namespace, name: 'web', timeoutMs }, ([set]) => set?.status?.readyReplicas === each)
  // Its pods are held by a finalizer that nobody but the manager takes off.
  kubelet.setReporting(false)
  await client.create('Job', {
    metadata: { namespace, name: 'endless' },
    spec: { completions: 5, parallelism: 5, template: template('job:1', { restartPolicy: 'Never' }) },
  })
  await waitFor(client, 'Job', { namespace, name: 'endless', timeoutMs }, ([found]) => found?.status?.active === 5)

  // Killed when the first of its pods has gone, and once more before the last.
  const gone = new Set<string>()
  const marks = [1, Math.floor(each / 2)]
  let kills = 0
  kubelet.pods.addHandlers({
    deleted(pod) {
      gone.add(pod.metadata.uid)
      if (gone.size < (marks[0] ?? Infinity)) return
      marks.shift()
      kills++
      const old = manager!
      void old.kill().then(() => (manager = start()))
    },
  })
  await deleteNamespace()
  expect(kills).toBe(2)
  for (const kind of ['Pod', 'ReplicaSet', 'Job', 'ConfigMap', 'Secret', 'ServiceAccount'] as const) {
    expect((await client.list(kind, { namespace })).items).toEqual([])
  }
  await expect(client.get('Namespace', { name: namespace })).rejects.toSatisfy(isNotFound)
})
