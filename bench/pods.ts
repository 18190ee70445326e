/**
 * Times what users wait for beside the same containers through bare CRI calls, in turns in one run: a pod's way from POST to
 * Ready, bursts, deletes, exec, logs; what probes and idle pods cost the kubelet; the life of a deployment.
 * Needs a running lab: `node bench/pods.ts --lab default [--node node-1] [--only one,burst,exec,logs,cost,deployment]`.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Deployment, Pod } from '../api/generated/types.ts'
import type { New } from '../api/object.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { type BarePod, createBareCri } from './pods/bare-cri.ts'
import { execInPod } from './pods/exec.ts'
import { findNodeProcesses } from './pods/node-processes.ts'
import { inNamespace, isReady, makeNamespace, removeNamespace, until } from './pods/watching.ts'

const { values } = parseArgs({
  options: {
    lab: { type: 'string', default: 'default' },
    node: { type: 'string', default: 'node-1' },
    kubelab: { type: 'string', default: path.resolve(import.meta.dirname, '../bin/kubelab') },
    kubeconfig: { type: 'string' },
    image: { type: 'string', default: 'busybox:latest' },
    rounds: { type: 'string', default: '20' },
    bursts: { type: 'string', default: '20,100' },
    runs: { type: 'string', default: '2' },
    'idle-seconds': { type: 'string', default: '30' },
    only: { type: 'string', default: 'one,burst,exec,logs,cost,deployment' },
  },
})
const config = await loadClientConfig({ path: values.kubeconfig })
const client = createApiClient(config)
const node = findNodeProcesses(values.kubelab, values.lab, values.node)
// Ends at once when it is asked to, as a server does: the runtime is measured, not a grace period.
const command = ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait']
const bare = await createBareCri({
  endpoint: node.runtimeEndpoint,
  image: values.image,
  command,
  cgroupRoot: `/kubelab/${values.lab}/${values.node}`,
})

const container = { name: 'main', image: values.image, imagePullPolicy: 'IfNotPresent', command }
const graceSeconds = 3
const nodeSelector = { 'kubernetes.io/hostname': values.node }
const createPod = (namespace: string, name: string, more: object = {}) =>
  client.create('Pod', {
    metadata: { namespace, name },
    // A shell that is asked to end before it listens must not cost the whole of 30 s.
    spec: { nodeSelector, terminationGracePeriodSeconds: graceSeconds, containers: [{ ...container, ...more }] },
  } as New<Pod>)
const deletePod = (namespace: string, name: string) => client.delete('Pod', { namespace, name })

const range = (count: number) => Array.from({ length: count }, (_, index) => index)
const at = (times: readonly number[], share: number): number => {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
const spread = (times: readonly number[]) => `p50 ${at(times, 0.5).toFixed(0)} ms  p99 ${at(times, 0.99).toFixed(0)} ms`
const print = (what: string, text: string) => console.log(`${what.padEnd(36)} ${text}`)
const beside = (ours: number, theirs: number) => `${(ours / theirs).toFixed(2)} x`
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function oneByOne(): Promise<void> {
  const times = { ready: [] as number[], gone: [] as number[], bare: [] as number[], bareGone: [] as number[] }
  await inNamespace(client, 'bench-one', async (namespace) => {
    for (const round of range(Number(values.rounds))) {
      const name = `pod-${round}`
      const ready = (pods: Map<string, Pod>) => pods.has(name) && isReady(pods.get(name)!)
      times.ready.push(await until(client, 'Pod', namespace, ready, () => createPod(namespace, name)))
      times.gone.push(
        await until(
          client,
          'Pod',
          namespace,
          (pods) => !pods.has(name),
          () => deletePod(namespace, name),
        ),
      )
      await node.whileKubeletRests(async () => {
        let pod: BarePod | undefined
        times.bare.push(await timed(async () => (pod = await bare.start(name))))
        times.bareGone.push(await timed(() => pod!.stop()))
      })
    }
  })
  print(
    'pod POST to Ready, one by one',
    `${spread(times.ready)}  bare CRI ${spread(times.bare)}  ${beside(at(times.ready, 0.5), at(times.bare, 0.5))}`,
  )
  print(
    'pod DELETE to gone, one by one',
    `${spread(times.gone)}  bare CRI ${spread(times.bareGone)}  ${beside(at(times.gone, 0.5), at(times.bareGone, 0.5))}`,
  )
}

async function burst(count: number, run: number): Promise<void> {
  const names = range(count).map((index) => `pod-${index}`)
  const namespace = `bench-burst-${count}-${run}`
  await makeNamespace(client, namespace)
  const allReady = (pods: Map<string, Pod>) => pods.size === count && [...pods.values()].every(isReady)
  const ours = await until(client, 'Pod', namespace, allReady, () => Promise.all(names.map((name) => createPod(namespace, name))))
  const gone = await until(
    client,
    'Pod',
    namespace,
    (pods) => pods.size === 0,
    () => Promise.all(names.map((name) => deletePod(namespace, name))),
  )
  await removeNamespace(client, namespace)
  const [theirs, theirsGone] = await node.whileKubeletRests(async () => {
    let pods: BarePod[] = []
    const started = await timed(async () => (pods = await Promise.all(names.map((name) => bare.start(name)))))
    return [started, await timed(() => Promise.all(pods.map((pod) => pod.stop())))] as const
  })
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  print(`${count} pods at once, all Ready`, `${seconds(ours)}  bare CRI ${seconds(theirs)}  ${beside(ours, theirs)}`)
  print(`${count} pods at once, all gone`, `${seconds(gone)}  bare CRI ${seconds(theirsGone)}  ${beside(gone, theirsGone)}`)
}

async function exec(): Promise<void> {
  const ours: number[] = []
  const theirs: number[] = []
  await inNamespace(client, 'bench-exec', async (namespace) => {
    await until(
      client,
      'Pod',
      namespace,
      (pods) => [...pods.values()].some(isReady),
      () => createPod(namespace, 'target'),
    )
    await node.whileKubeletRests(async () => {
      const pod = await bare.start('target')
      for (const _ of range(Number(values.rounds))) theirs.push(await timed(() => bare.exec(pod, ['true'])))
      await pod.stop()
    })
    for (const _ of range(Number(values.rounds))) ours.push(await timed(() => execInPod(config, namespace, 'target', ['true'])))
  })
  print('exec of `true`', `${spread(ours)}  bare CRI ${spread(theirs)}  ${beside(at(ours, 0.5), at(theirs, 0.5))}`)
}

const logLines = 500_000

async function logs(): Promise<void> {
  await inNamespace(client, 'bench-logs', async (namespace) => {
    const script = `yes "$(printf %99s | tr ' ' x)" | head -n ${logLines}; trap "exit 0" TERM; touch /done; sleep 100000 & wait`
    const readinessProbe = { exec: { command: ['test', '-e', '/done'] }, periodSeconds: 1 }
    const ready = (pods: Map<string, Pod>) => [...pods.values()].some(isReady)
    await until(client, 'Pod', namespace, ready, () =>
      createPod(namespace, 'talker', { command: ['sh', '-c', script], readinessProbe }),
    )
    let bytes = 0
    const before = node.kubelet.cpuMs()
    const ms = await timed(async () => {
      const text = await client.raw<string>('GET', `/api/v1/namespaces/${namespace}/pods/talker/log`, { accept: '*/*' })
      bytes = text.length
    })
    const cpu = node.kubelet.cpuMs() - before
    const size = bytes / 2 ** 20
    print(
      `log of ${size.toFixed(0)} MiB, read whole`,
      `${((size * 1000) / ms).toFixed(0)} MiB/s  kubelet ${(cpu / size).toFixed(1)} ms of processor a MiB`,
    )
  })
}

/** What 30 pods that do nothing, and then 500 probes, cost the kubelet. */
async function cost(): Promise<void> {
  const seconds = Number(values['idle-seconds'])
  const share = async () => {
    const before = node.kubelet.cpuMs()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    return (node.kubelet.cpuMs() - before) / (seconds * 10)
  }
  const hold = (namespace: string, count: number, more: object, work: () => Promise<void>) =>
    inNamespace(client, namespace, async () => {
      const allReady = (pods: Map<string, Pod>) => pods.size === count && [...pods.values()].every(isReady)
      await until(client, 'Pod', namespace, allReady, () =>
        Promise.all(range(count).map((index) => createPod(namespace, `pod-${index}`, more))),
      )
      // What the starts have left to do is not what idling costs.
      await new Promise((resolve) => setTimeout(resolve, 5000))
      await work()
    })
  let idle = 0
  await hold('bench-idle', 30, {}, async () => {
    idle = await share()
    const { rss, pss } = node.kubelet.memory()
    print(
      'kubelet with 30 idle pods',
      `${idle.toFixed(2)} % of a processor  ${rss.toFixed(0)} MB resident, ${pss.toFixed(0)} MB proportional`,
    )
  })
  const probe = { tcpSocket: { port: 8080 }, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 30 }
  const serve = ['sh', '-c', 'trap "exit 0" TERM; mkdir -p /www; httpd -f -p 8080 -h /www & wait']
  await hold('bench-probes', 25, { command: serve, readinessProbe: probe, livenessProbe: probe }, async () => {
    print('500 probes every 10 s', `${((await share()) - idle).toFixed(2)} % of a processor more (as 50 probes every second)`)
  })
}

const isRolledOut = (generation: number) => (deployments: Map<string, Deployment>) => {
  const { status, metadata } = deployments.get('web') ?? {}
  const all = [status?.updatedReplicas, status?.availableReplicas, status?.replicas].every((replicas) => replicas === 5)
  return all && (metadata?.generation ?? 0) >= generation && status?.observedGeneration === metadata?.generation
}

async function deployment(run: number): Promise<void> {
  const namespace = `bench-deployment-${run}`
  const labels = { app: 'web' }
  await makeNamespace(client, namespace)
  const template = { metadata: { labels }, spec: { containers: [container] } }
  const spec = { replicas: 5, selector: { matchLabels: labels }, template }
  const available = await until(client, 'Deployment', namespace, isRolledOut(1), () =>
    client.create('Deployment', { metadata: { namespace, name: 'web' }, spec } as unknown as New<Deployment>),
  )
  const patch = { spec: { template: { metadata: { annotations: { round: '2' } } } } }
  const rolled = await until(client, 'Deployment', namespace, isRolledOut(2), () =>
    client.patch('Deployment', { namespace, name: 'web' }, patch, { type: 'application/strategic-merge-patch+json' }),
  )
  const gone = await timed(() => removeNamespace(client, namespace))
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  print('deployment of 5', `available ${seconds(available)}  rolled over ${seconds(rolled)}  namespace gone ${seconds(gone)}`)
}

const wanted = new Set(values.only.split(','))
const runs = range(Number(values.runs))
try {
  if (wanted.has('one')) await oneByOne()
  if (wanted.has('burst'))
    for (const count of values.bursts.split(',').map(Number)) for (const run of runs) await burst(count, run)
  if (wanted.has('exec')) await exec()
  if (wanted.has('logs')) await logs()
  if (wanted.has('cost')) await cost()
  if (wanted.has('deployment')) for (const run of runs) await deployment(run)
} finally {
  await bare.close()
  await client.close()
}
