/**
 * Convergence: from any state, through late watches, conflicts, lost answers, restarts and people who change their minds, all
 * controllers together come to rest where the objects say; and at rest none of them writes, a newly started one neither.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KindName } from '../api/kinds.ts'
import { controllerOf, isControlledBy, type KubeObject } from '../api/object.ts'
import { parseFlags } from '../component/flags.ts'
import { silentLogger as logger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { createSelfSigned } from '../component/self-signed.ts'
import { FLAGS, type ControllerManagerFlags } from './flags.ts'
import { isActive, isReady } from './pods.ts'
import { runControllers } from './run-controllers.ts'
import { createSimulation, type Simulation } from './simulation.ts'

/** They ask the API server itself: discovery, metrics, subresources. Tests against a real one have them. */
const elsewhere = [
  'garbage-collector-controller',
  'namespace-controller',
  'resourcequota-controller',
  'horizontal-pod-autoscaler-controller',
  'certificatesigningrequest-approving-controller',
  'certificatesigningrequest-signing-controller',
]

let folder: string
let flags: ControllerManagerFlags

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kubelab-convergence-'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  }
  flags = parseFlags(FLAGS, [
    `--controllers=*,${elsewhere.map((name) => `-${name}`).join()}`,
    '--cluster-cidr=10.244.0.0/16',
    '--lb-cidr=172.18.255.0/24',
    `--root-ca-file=${file('ca.crt', (await createSelfSigned('ca', [], [])).cert)}`,
    `--service-account-private-key-file=${file('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}`,
  ]).flags
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Manager {
  kill(): Promise<void>
}

function startManager({ client, clock }: Simulation): Manager {
  const stop = new AbortController()
  const metrics = createMetrics({ processMetrics: false })
  const finished = runControllers({ client, clientFor: () => client, clock, logger, metrics, flags }, stop.signal)
  return {
    async kill() {
      stop.abort()
      // Whatever waits for its time is let go of.
      for (let step = 0; step < 20; step++) await clock.advance(1000)
      await finished
    },
  }
}

const namespace = 'default'
const labelsOf = (name: string) => ({ app: name })
const templateOf = (name: string, more: object = {}) => ({
  metadata: { labels: labelsOf(name) },
  spec: { containers: [{ name: 'c', image: 'v1' }], ...more },
})

/** One of each kind that controllers care for, in a state that something else has left behind. */
async function populate({ server, random }: Simulation): Promise<void> {
  const create = (kind: KindName, name: string, fields: object, metadata: object = {}) =>
    server.create(kind, { ...fields, metadata: { namespace, name, ...metadata } } as never)
  for (const name of ['default', 'kube-system', 'kube-node-lease'])
    await create('Namespace', name, { status: { phase: 'Active' } })
  for (let index = 0; index < 4; index++) {
    await create('Node', `node-${index}`, { spec: {} }, { labels: { 'kubernetes.io/hostname': `node-${index}` } })
  }
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
  const workload = (name: string) => ({ selector: { matchLabels: labelsOf(name) }, template: templateOf(name) })
  const replicas = () => random.below(5)
  await create('Deployment', 'web', {
    spec: { ...workload('web'), replicas: replicas(), strategy, progressDeadlineSeconds: 600, revisionHistoryLimit: 1 },
  })
  await create('Deployment', 'one', { spec: { ...workload('one'), replicas: replicas(), strategy: { type: 'Recreate' } } })
  await create('ReplicaSet', 'set', { spec: { ...workload('set'), replicas: replicas() } })
  await create('ReplicationController', 'old', {
    spec: { selector: labelsOf('old'), template: templateOf('old'), replicas: replicas() },
  })
  await create('StatefulSet', 'db', {
    spec: {
      ...workload('db'),
      replicas: replicas(),
      serviceName: 'db',
      podManagementPolicy: random.pick(['OrderedReady', 'Parallel']),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      ],
    },
  })
  await create('DaemonSet', 'agent', {
    spec: { ...workload('agent'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } },
  })
  const job = (name: string) => ({
    parallelism: 2,
    completions: 4,
    backoffLimit: 3,
    selector: { matchLabels: labelsOf(name) },
    template: templateOf(name, { restartPolicy: 'Never' }),
  })
  await create('Job', 'pi', { spec: { ...job('pi'), completionMode: 'NonIndexed' } })
  await create('Job', 'shards', {
    spec: { ...job('shards'), completionMode: 'Indexed', backoffLimitPerIndex: 1, backoffLimit: undefined },
  })
  await create('Job', 'brief', { spec: { ...job('brief'), ttlSecondsAfterFinished: 10 } })
  // Once a year, and some time ago: one job is due.
  const jobTemplate = { spec: job('yearly') }
  const yearly = {
    schedule: '0 0 1 1 *',
    jobTemplate,
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 1,
    startingDeadlineSeconds: 100,
  }
  await create('CronJob', 'yearly', { spec: yearly, status: { lastScheduleTime: '2025-01-01T00:00:00Z' } })
  for (const app of ['web', 'db', 'agent']) {
    const headless =
      app === 'db' ? { clusterIP: 'None' } : { clusterIP: '10.96.0.9', type: app === 'web' ? 'LoadBalancer' : 'ClusterIP' }
    await create('Service', app, {
      spec: { selector: labelsOf(app), ipFamilies: ['IPv4'], ports: [{ port: 80, protocol: 'TCP' }], ...headless },
    })
  }
  await create('Service', 'manual', { spec: { clusterIP: '10.96.0.7', ports: [{ port: 80, protocol: 'TCP' }] } })
  const subsets = [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80, protocol: 'TCP' }] }]
  await create('Endpoints', 'manual', { subsets })
  await create('Endpoints', 'web', { subsets })
  await create('PodDisruptionBudget', 'web', { spec: { selector: { matchLabels: labelsOf('web') }, minAvailable: '50%' } })
  await create('StorageClass', 'slow', { provisioner: 'example.com/none', volumeBindingMode: 'Immediate' })
  const storage = { storage: '1Gi' }
  await create('PersistentVolume', 'disk', {
    spec: {
      capacity: storage,
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/x' },
      persistentVolumeReclaimPolicy: 'Retain',
    },
  })
  await create('PersistentVolumeClaim', 'data', {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: storage }, storageClassName: '' },
  })
  await create('ServiceAccount', 'robot', {})
  await create(
    'Secret',
    'robot-token',
    { type: 'kubernetes.io/service-account-token' },
    { annotations: { 'kubernetes.io/service-account.name': 'robot' } },
  )
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] }
  await create('ClusterRole', 'whole', { aggregationRule, rules: [] })
  await create(
    'ClusterRole',
    'part',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
    { labels: { part: 'yes' } },
  )
  // Pods that nobody made, and those of something that is gone.
  for (const app of ['web', 'set', 'db', 'agent', 'pi']) {
    if (random.chance(0.5))
      await create('Pod', `stray-${app}`, { spec: { containers: [{ name: 'c', image: 'v0' }] } }, { labels: labelsOf(app) })
  }
  await create('Pod', 'lost', { spec: { containers: [], nodeName: 'gone' }, status: { phase: 'Running' } })
}

/** Something that a person or an accident does. */
async function disturb({ server, random }: Simulation): Promise<void> {
  const merge = (kind: KindName, name: string, patch: object) =>
    server.patch(kind, { namespace, name }, patch, { type: 'application/merge-patch+json' })
  const [kind, name] = random.pick<[KindName, string]>([
    ['Deployment', 'web'],
    ['Deployment', 'one'],
    ['ReplicaSet', 'set'],
    ['StatefulSet', 'db'],
    ['DaemonSet', 'agent'],
  ])
  switch (random.below(8)) {
    case 0:
      return void (kind === 'DaemonSet' || (await merge(kind, name, { spec: { replicas: random.below(6) } })))
    case 1: {
      const image = random.pick(['v1', 'v2', 'v3'])
      return void (await merge(kind, name, { spec: { template: templateOf(name, { containers: [{ name: 'c', image }] }) } }))
    }
    case 2:
    case 3: {
      const pod = random.pick((await server.list('Pod', { namespace })).items)
      // A pod that a StatefulSet lets go keeps its name, and the set waits for it.
      if (random.chance(0.5) || pod.metadata.name.startsWith('db-')) await server.delete('Pod', pod.metadata)
      else await merge('Pod', pod.metadata.name, { metadata: { labels: { app: random.pick(['web', 'set', 'nothing']) } } })
      return
    }
    case 4: {
      const wiped = random.pick<KindName>(['EndpointSlice', 'Endpoints', 'ServiceAccount', 'ControllerRevision', 'ReplicaSet'])
      const found = (await server.list(wiped)).items as KubeObject[]
      if (found.length > 0 && !(wiped === 'ReplicaSet')) await server.delete(wiped, random.pick(found).metadata)
      return
    }
    case 5:
      // Its kubelet is silent from now on, or comes back.
      await server.patch(
        'Node',
        { name: 'node-3' },
        { metadata: { labels: { broken: random.pick(['yes', null]) } } },
        { type: 'application/merge-patch+json' },
      )
      return
    case 6:
      return void (await merge('Job', 'pi', { spec: { suspend: random.chance(0.5) } }))
    case 7:
      server.dropWatches()
  }
}

const minutes = (count: number) => count * 60_000

async function expectRest({ server }: Simulation): Promise<void> {
  const pods = (await server.list('Pod', { namespace })).items
  const ownedBy = (object: KubeObject) => pods.filter((pod) => isControlledBy(pod, object) && isActive(pod))
  for (const kind of ['ReplicaSet', 'ReplicationController', 'StatefulSet'] as const) {
    for (const object of (await server.list(kind)).items as (KubeObject & { spec: { replicas: number } })[]) {
      expect([kind, object.metadata.name, ownedBy(object).length]).toEqual([kind, object.metadata.name, object.spec.replicas])
    }
  }
  for (const { metadata, spec, status } of (await server.list('Deployment')).items) {
    expect([metadata.name, status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0, status?.replicas ?? 0]).toEqual([
      metadata.name,
      ...Array<number>(3).fill(spec.replicas ?? 1),
    ])
  }
  for (const job of (await server.list('Job')).items) {
    const over = job.status?.conditions?.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True')
    expect([job.metadata.name, over || job.spec.suspend]).toEqual([job.metadata.name, true])
  }
  const web = pods.filter(({ metadata, status }) => metadata.labels?.['app'] === 'web' && isReady({ metadata, status } as never))
  const slices = (await server.list('EndpointSlice', { labelSelector: 'kubernetes.io/service-name=web' })).items
  const ready = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready)
  expect(ready.length).toBe(web.length)
  expect(pods.some(({ metadata }) => metadata.name === 'lost')).toBe(false)
  expect(pods.filter((pod) => controllerOf(pod)?.kind === 'DaemonSet' && isActive(pod)).length).toBeLessThanOrEqual(4)
}

/** The same few seeds each time; `PROPERTY_RUNS=10` takes ten times as many new ones. */
const more = process.env.PROPERTY_RUNS
const parameters = { numRuns: 3 * Number(more ?? 1), ...(more ? {} : { seed: 42 }), endOnFailure: true }

test(
  'all controllers come to rest from any state, and at rest write nothing',
  { timeout: 120_000 * Number(more ?? 1) },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const simulation = createSimulation(seed)
        await populate(simulation)
        let manager = startManager(simulation)
        for (let round = 0; round < 60; round++) {
          await simulation.pass(1000)
          if (simulation.random.chance(0.4)) await disturb(simulation)
          if (round === 30) {
            await manager.kill()
            manager = startManager(simulation)
          }
        }
        simulation.faulty = false
        await simulation.pass(minutes(2))
        await simulation.pass(minutes(40), 20_000)
        await expectRest(simulation)
        const before = simulation.writes.length
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
        manager = startManager(simulation)
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
      }),
      parameters,
    )
  },
)
