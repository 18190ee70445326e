/**
 * What the store alone costs, on a real etcd with mutual TLS: `node bench/store.ts [objects] [in flight]`.
 *
 * Shared machines are noisy: compare lines of one run. CPU is this process's, etcd's not among it. For a profile:
 * `node --cpu-prof --cpu-prof-dir=. bench/store.ts` and open the file in a browser's developer tools.
 */
import { silentLogger } from '../component/logger.ts'
import { EtcdStore } from '../apiserver/storage/etcd-store.ts'
import { startEtcd } from '../test/etcd-process.ts'
import { taken, testResource } from '../test/store/store-bench.ts'

const objects = Number(process.argv[2] ?? 20_000)
const inFlight = Number(process.argv[3] ?? 16)
const PREFIX = '/registry/core/pods/'

/** A pod as a controller makes it: about 1.8 kB of JSON. */
const pod = (name: string, phase: string, nodeName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: crypto.randomUUID(),
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: `app-${name.length % 10}`, 'pod-template-hash': '5d4f8c7b9', tier: 'backend' },
    annotations: { note: 'x'.repeat(400) },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f8c7b9', uid: crypto.randomUUID(), controller: true },
    ],
  },
  spec: {
    nodeName,
    restartPolicy: 'Always',
    serviceAccountName: 'default',
    tolerations: ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute',
    })),
    containers: [0, 1].map((index) => ({
      name: `c${index}`,
      image: 'docker.io/library/web:1',
      env: [{ name: 'A', value: 'b' }],
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
      ports: [{ containerPort: 8080, protocol: 'TCP' }],
    })),
  },
  status: {
    phase,
    conditions: ['Ready', 'Initialized'].map((type) => ({ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' })),
  },
})

async function measure(what: string, count: number, width: number, work: (index: number) => unknown): Promise<void> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const latencies = new Float64Array(count)
  let next = 0
  const lane = async () => {
    while (next < count) {
      const index = next++
      const began = performance.now()
      await work(index)
      latencies[index] = performance.now() - began
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort()
  const at = (share: number) => latencies[Math.floor(share * (count - 1))]!.toFixed(3)
  const rate = Math.round((count / ms) * 1000).toLocaleString('en')
  console.log(
    `${what.padEnd(44)} ${rate.padStart(9)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  ${((user + system) / count).toFixed(1)} µs CPU each`,
  )
}

const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`

const etcd = await startEtcd()
const options = { endpoints: [etcd.endpoint], tls: etcd.tls, logger: silentLogger, compactionIntervalMs: 0 }
const store = new EtcdStore(options)
try {
  store.register(testResource(PREFIX))
  await store.start()
  const key = (index: number) => `${PREFIX}default/pod-${index}`
  const make = (index: number, phase: string) => pod(`pod-${index}`, phase, `node-${index % 100}`)
  await measure('(warm-up)', 500, inFlight, async (index) =>
    taken(await store.create(`${PREFIX}warm/${index}`, make(index, 'Pending'))),
  )

  const lean = `${inFlight} in flight`
  await measure(`create, ${lean}`, objects, inFlight, async (index) =>
    taken(await store.create(key(index), make(index, 'Pending'))),
  )
  await store.current()
  await measure(`update, ${lean}`, objects, inFlight, async (index) =>
    taken(await store.update(key(index), make(index, 'Running'), store.get(key(index))!.revision)),
  )
  await store.current()
  let events = 0
  const watchers = Array.from({ length: 50 }, () => store.watch(PREFIX, store.revision(), { onEvent: () => void events++ }))
  await measure(`patch (parse, change, write), 50 watchers`, objects, inFlight, async (index) => {
    const entry = store.get(key(index))!
    const changed = structuredClone(entry.object()) as ReturnType<typeof pod>
    changed.status.phase = 'Succeeded'
    taken(await store.update(key(index), changed, entry.revision))
  })
  await store.current()
  console.log(`${''.padEnd(44)} ${events.toLocaleString('en')} events handed to watchers`)
  for (const watcher of watchers) watcher.close()

  await measure(`current(), ${lean}`, objects, inFlight, () => store.current())
  await measure('current(), 256 in flight', objects, 256, () => store.current())
  await measure(`list of ${store.list(PREFIX).length}`, 500, 1, () => store.list(PREFIX))
  await measure('list by node (1 in 100)', 5_000, 1, (index) =>
    store.list(PREFIX, { index: { field: 'spec.nodeName', value: `node-${index % 100}` } }),
  )
  await measure('get', 100_000, 1, (index) => store.get(key(index % objects)))
  const started = performance.now()
  const second = new EtcdStore(options)
  second.register(testResource(PREFIX))
  await second.start()
  console.log(`${'start with all of them'.padEnd(44)} ${Math.round(performance.now() - started)} ms`)
  await second.stop()
  await measure(`delete, ${lean}`, objects, inFlight, async (index) =>
    taken(await store.delete(key(index), store.get(key(index))!.revision)),
  )
  const { rss, heapUsed, external } = process.memoryUsage()
  console.log(`memory: ${megabytes(rss)} resident, ${megabytes(heapUsed)} heap, ${megabytes(external)} external`)
} finally {
  await store.stop()
  await etcd.stop()
}
