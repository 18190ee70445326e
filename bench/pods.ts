/**
 * Times what users wait for: a pod's way from POST to Ready, one by one and twenty at once; a deployment of five until it is
 * available, rolled over, and gone with its namespace. Needs a running cluster: `node bench/pods.ts --kubeconfig FILE`.
 */
import { parseArgs } from 'node:util'
import type { Deployment, Pod } from '../api/generated/types.ts'
import type { KindName, Kinds } from '../api/kinds.ts'
import type { New } from '../api/object.ts'
import { isNotFound } from '../api/status.ts'
import type { ApiClient } from '../client/api-client.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    image: { type: 'string', default: 'busybox:latest' },
    rounds: { type: 'string', default: '10' },
    pods: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
  },
})
const timeoutMs = 180_000
const client = createApiClient(await loadClientConfig({ path: values.kubeconfig }))

const container = {
  name: 'main',
  image: values.image,
  imagePullPolicy: 'IfNotPresent',
  // Ends at once when it is asked to, as a server does: the runtime is measured, not a grace period.
  command: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
}

/** Resolves when the watched objects of the namespace, by name, satisfy. */
async function until<K extends KindName>(
  kind: K,
  namespace: string,
  satisfied: (objects: Map<string, Kinds[K]>) => boolean,
  act: () => Promise<unknown>,
): Promise<number> {
  const objects = new Map<string, Kinds[K]>()
  const { items, metadata } = await client.list(kind, { namespace })
  for (const item of items) objects.set(item.metadata.name, item)
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), timeoutMs)
  const watch = client.watch(kind, { namespace, resourceVersion: metadata.resourceVersion, signal: stop.signal })
  const began = performance.now()
  const acted = act()
  try {
    for await (const { type, object } of watch) {
      if (type === 'DELETED') objects.delete(object.metadata.name)
      else if (type !== 'BOOKMARK') objects.set(object.metadata.name, object)
      if (!satisfied(objects)) continue
      await acted
      return performance.now() - began
    }
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
  throw new Error(`Cannot measure: ${kind} in ${namespace} did not get there within ${timeoutMs} ms`)
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false

async function inNamespace<T>(name: string, work: (namespace: string) => Promise<T>): Promise<T> {
  await client.create('Namespace', { metadata: { name } } as New<Kinds['Namespace']>)
  await waitForAccount(client, name)
  try {
    return await work(name)
  } finally {
    await client.delete('Namespace', { name })
    await untilGone(name)
  }
}

/** Pods are refused until their namespace's account is there: a user's second command comes later than that. */
async function waitForAccount(api: ApiClient, namespace: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await api.get('ServiceAccount', { namespace, name: 'default' })
      await api.get('ConfigMap', { namespace, name: 'kube-root-ca.crt' })
      return
    } catch (error) {
      if (!isNotFound(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

async function untilGone(name: string): Promise<void> {
  const { metadata, items } = await client.list('Namespace', { fieldSelector: `metadata.name=${name}` })
  if (items.length === 0) return
  const scope = {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: metadata.resourceVersion,
    signal: AbortSignal.timeout(timeoutMs),
  }
  for await (const { type } of client.watch('Namespace', scope)) if (type === 'DELETED') return
}

const createPod = (namespace: string, name: string) =>
  client.create('Pod', { metadata: { namespace, name }, spec: { containers: [container] } } as New<Pod>)

const print = (what: string, text: string) => console.log(`${what.padEnd(34)} ${text}`)
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`

async function oneByOne(): Promise<void> {
  const times = await inNamespace('bench-pods', async (namespace) => {
    const times: number[] = []
    for (let index = 0; index < Number(values.rounds); index++) {
      const name = `pod-${index}`
      const ready = (pods: Map<string, Pod>) => pods.has(name) && isReady(pods.get(name)!)
      times.push(await until('Pod', namespace, ready, () => createPod(namespace, name)))
    }
    return times.toSorted((a, b) => a - b)
  })
  const at = (share: number) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]!)
  print('pod POST to Ready, one by one', `p50 ${at(0.5)} ms   p90 ${at(0.9)} ms   max ${at(1)} ms`)
}

async function manyAtOnce(run: number): Promise<void> {
  const count = Number(values.pods)
  const ms = await inNamespace(`bench-many-${run}`, (namespace) =>
    until(
      'Pod',
      namespace,
      (pods) => pods.size === count && [...pods.values()].every(isReady),
      () => Promise.all(Array.from({ length: count }, (_, index) => createPod(namespace, `pod-${index}`))),
    ),
  )
  print(`${count} pods at once, all Ready`, seconds(ms))
}

const isRolledOut = (generation: number) => (deployments: Map<string, Deployment>) => {
  const { status, metadata } = deployments.get('web') ?? {}
  const all = [status?.updatedReplicas, status?.availableReplicas, status?.replicas].every((replicas) => replicas === 5)
  return all && (metadata?.generation ?? 0) >= generation && status?.observedGeneration === metadata?.generation
}

async function deployment(run: number): Promise<void> {
  const namespace = `bench-deployment-${run}`
  const labels = { app: 'web' }
  await client.create('Namespace', { metadata: { name: namespace } } as New<Kinds['Namespace']>)
  await waitForAccount(client, namespace)
  const spec = {
    replicas: 5,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container] } },
  }
  const available = await until('Deployment', namespace, isRolledOut(1), () =>
    client.create('Deployment', { metadata: { namespace, name: 'web' }, spec } as unknown as New<Deployment>),
  )
  const patch = { spec: { template: { metadata: { annotations: { round: '2' } } } } }
  const rolled = await until('Deployment', namespace, isRolledOut(2), () =>
    client.patch('Deployment', { namespace, name: 'web' }, patch, { type: 'application/strategic-merge-patch+json' }),
  )
  const began = performance.now()
  await client.delete('Namespace', { name: namespace })
  await untilGone(namespace)
  print(
    'deployment of 5',
    `available ${seconds(available)}   rolled over ${seconds(rolled)}   namespace gone ${seconds(performance.now() - began)}`,
  )
}

try {
  await oneByOne()
  for (let run = 0; run < Number(values.runs); run++) await manyAtOnce(run)
  for (let run = 0; run < Number(values.runs); run++) await deployment(run)
} finally {
  await client.close()
}
