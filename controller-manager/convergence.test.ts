/**
 * Convergence: from any state, through late watches, conflicts, lost answers, restarts and people who change their minds, all
 * controllers together come to rest where the objects say; and at rest none of them writes, a newly started one neither.
 */
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KINDS, type KindName } from '../api/kinds.ts'
import { controllerOf, isControlledBy, type KubeObject } from '../api/object.ts'
import { parseFlags } from '../component/flags.ts'
import { silentLogger as logger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { createSelfSigned } from '../component/self-signed.ts'
import { CONTROLLERS } from './controllers.ts'
import { FLAGS, type ControllerManagerFlags } from './flags.ts'
import { isActive, isFinished, isReady } from './pods.ts'
import { runControllers } from './run-controllers.ts'
import { totalMilliCpu } from './simulated-paths.ts'
import { createSimulation, type Simulation } from './simulation.ts'

/** It answers questions and keeps nothing in shape. */
const elsewhere = ['metrics-api']

const minutes = (count: number) => count * 60_000
const days = (count: number) => count * 24 * 60 * 60_000

let folder: string
let flags: ControllerManagerFlags
let certificateRequest: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kubelab-convergence-'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  }
  const authority = await createSelfSigned('ca', [], [])
  certificateRequest = await requestCertificate('node-0')
  flags = parseFlags(FLAGS, [
    '--cluster-cidr=10.244.0.0/16',
    '--lb-cidr=172.18.255.0/24',
    `--root-ca-file=${file('ca.crt', authority.cert)}`,
    `--cluster-signing-cert-file=${file('ca.crt', authority.cert)}`,
    `--cluster-signing-key-file=${file('ca.key', authority.key)}`,
    '--legacy-service-account-token-clean-up-period=720h',
    `--service-account-private-key-file=${file('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}`,
  ]).flags
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Manager {
  kill(): Promise<void>
}

/** As a kubelet asks for its first certificate. */
async function requestCertificate(node: string): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${node}`] }],
    keys,
    signingAlgorithm: algorithm,
  })
  return Buffer.from(request.toString('pem')).toString('base64')
}

function startManager({ clientFor, clock }: Simulation): Manager {
  const stop = new AbortController()
  const metrics = createMetrics({ processMetrics: false })
  const finished = runControllers({ client: clientFor('monitors'), clientFor, clock, logger, metrics, flags }, stop.signal)
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
async function populate({ server, random, clock }: Simulation): Promise<void> {
  const create = (kind: KindName, name: string, fields: object, metadata: object = {}) =>
    server.create(kind, { ...fields, metadata: { namespace, name, ...metadata } } as never)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'leaving'])
    await create('Namespace', name, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
  // The token of an account that nobody has used for long.
  const ofRobot = {
    type: 'kubernetes.io/service-account-token',
    metadata: { annotations: { 'kubernetes.io/service-account.name': 'robot' } },
  }
  await create('ServiceAccount', 'robot', { secrets: [{ name: 'robot-token' }] })
  await create('Secret', 'robot-token', { type: ofRobot.type }, ofRobot.metadata)
  await create(
    'ConfigMap',
    'kube-apiserver-legacy-service-account-token-tracking',
    { data: { since: '2025-11-01' } },
    { namespace: 'kube-system' },
  )
  await clock.advance(days(42))
  for (let index = 0; index < 5; index++) {
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
  const usages = ['digital signature', 'client auth']
  await create('CertificateSigningRequest', 'node-0', {
    spec: {
      request: certificateRequest,
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages,
      username: 'system:bootstrap:abcdef',
    },
  })
  const bootstrapToken = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-signing': 'true',
    expiration: new Date(clock.now().getTime() + minutes(15)).toISOString(),
  }
  await create(
    'Secret',
    'bootstrap-token-abcdef',
    {
      type: 'bootstrap.kubernetes.io/token',
      data: Object.fromEntries(Object.entries(bootstrapToken).map(([name, text]) => [name, base64(text)])),
    },
    { namespace: 'kube-system' },
  )
  await create('ConfigMap', 'cluster-info', { data: { kubeconfig: 'here it is' } }, { namespace: 'kube-public' })
  await create('StorageClass', 'local-path', {
    provisioner: 'kubelab/local-path',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
  })
  await create(
    'PersistentVolumeClaim',
    'scratch',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: storage }, storageClassName: 'local-path' } },
    { annotations: { 'volume.kubernetes.io/selected-node': 'node-0' } },
  )
  await create('ResourceQuota', 'all', { spec: { hard: { pods: '100', 'count/replicasets.apps': '100', services: '20' } } })
  await create('Deployment', 'busy', { spec: { ...workload('busy'), replicas: 1, strategy } })
  const target = { type: 'AverageValue', averageValue: '100m' }
  await create('HorizontalPodAutoscaler', 'busy', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'busy' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  })
  for (const name of ['doomed', 'freed']) await create('ReplicaSet', name, { spec: { ...workload(name), replicas: 3 } })
  // A namespace that will be deleted, with things in it that hold on.
  const leaving = { namespace: 'leaving' }
  await create('Deployment', 'web', { spec: { ...workload('web'), replicas: 3, strategy } }, leaving)
  await create('Job', 'endless', { spec: { ...job('endless'), completions: 1000, completionMode: 'NonIndexed' } }, leaving)
  await create('ConfigMap', 'map', { data: {} }, leaving)
  await create('PersistentVolumeClaim', 'data', { spec: { resources: { requests: storage }, storageClassName: 'slow' } }, leaving)
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
  await create('Pod', 'stranded', { spec: { containers: [], nodeName: 'node-4' }, status: { phase: 'Running' } })
  const tracked = { finalizers: ['batch.kubernetes.io/job-tracking'] }
  await create('Pod', 'of-no-job', { spec: { containers: [], nodeName: 'node-0' }, status: { phase: 'Succeeded' } }, tracked)
  await create('Pod', 'lost', { spec: { containers: [], nodeName: 'gone' }, status: { phase: 'Running' } })
}

/** What happens in every run, in the middle of all the rest. */
const incidents: Record<number, (server: Simulation['server']) => Promise<unknown>> = {
  // Its kubelet falls silent for good.
  10: (server) =>
    server.patch(
      'Node',
      { name: 'node-4' },
      { metadata: { labels: { broken: 'yes' } } },
      { type: 'application/merge-patch+json' },
    ),
  20: (server) => server.delete('Namespace', { name: 'leaving' }),
  25: (server) => server.delete('ReplicaSet', { namespace, name: 'doomed' }, { propagationPolicy: 'Foreground' }),
  35: (server) => server.delete('ReplicaSet', { namespace, name: 'freed' }, { propagationPolicy: 'Orphan' }),
  45: (server) => server.delete('PersistentVolumeClaim', { namespace, name: 'scratch' }),
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
      const all = (await server.list(wiped)).items as KubeObject[]
      const found = wiped === 'ReplicaSet' ? all.filter(controllerOf) : all
      if (found.length > 0) await server.delete(wiped, random.pick(found).metadata)
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

async function expectRest(simulation: Simulation): Promise<void> {
  const { server } = simulation
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
  await expectGone(simulation)
  const [quota] = (await server.list('ResourceQuota')).items
  const sets = (await server.list('ReplicaSet', { namespace })).items.length
  const services = (await server.list('Service', { namespace })).items.length
  const counted = pods.filter((pod) => !isFinished(pod)).length
  expect(quota?.status?.used).toEqual({ pods: `${counted}`, 'count/replicasets.apps': `${sets}`, services: `${services}` })
  const busy = await server.get('Deployment', { namespace, name: 'busy' })
  expect(busy.spec.replicas).toBe(totalMilliCpu / 100)
  expect(pods.filter((pod) => controllerOf(pod)?.kind === 'DaemonSet' && isActive(pod)).length).toBeLessThanOrEqual(5)
}

/** Whatever was deleted has gone with all that it owned, and nothing else. */
async function expectGone({ server, writes }: Simulation): Promise<void> {
  expect((await server.list('Namespace')).items.map(({ metadata }) => metadata.name)).not.toContain('leaving')
  const everything = (await Promise.all(KINDS.map(async ({ kind }) => (await server.list(kind)).items as KubeObject[]))).flat()
  expect(everything.filter(({ metadata }) => metadata.namespace === 'leaving')).toEqual([])
  const uids = new Set(everything.map(({ metadata }) => metadata.uid))
  const strays = everything.filter(
    ({ metadata: { ownerReferences = [] } }) => ownerReferences.length > 0 && !ownerReferences.some(({ uid }) => uids.has(uid)),
  )
  expect(strays.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([])
  const named = (app: string) => everything.filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.['app'] === app)
  expect(named('doomed')).toEqual([])
  expect(named('freed').flatMap(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([])
  const collected = writes.filter(({ by, what }) => by === 'garbage-collector-controller' && what.startsWith('DELETE'))
  expect(collected.filter(({ what }) => what.includes('/freed'))).toEqual([])
  expect((await server.list('PersistentVolume')).items.map(({ metadata }) => metadata.name)).toEqual(['disk'])
}

/** The same few seeds each time; `PROPERTY_RUNS=10` takes ten times as many new ones. */
const more = process.env.PROPERTY_RUNS
const parameters = { numRuns: 2 * Number(more ?? 1), ...(more ? {} : { seed: 42 }), endOnFailure: true }

test(
  'all controllers come to rest from any state, and at rest write nothing',
  { timeout: 300_000 * Number(more ?? 1) },
  async () => {
    const writers = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const simulation = createSimulation(seed)
        await populate(simulation)
        let manager = startManager(simulation)
        for (let round = 0; round < 60; round++) {
          await simulation.pass(1000)
          await incidents[round]?.(simulation.server)
          if (simulation.random.chance(0.4)) await disturb(simulation)
          if (round === 30) {
            await manager.kill()
            manager = startManager(simulation)
          }
        }
        simulation.faulty = false
        await simulation.pass(minutes(2))
        await simulation.pass(minutes(65), 20_000)
        await expectRest(simulation)
        const before = simulation.writes.length
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
        manager = startManager(simulation)
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
        for (const { by } of simulation.writes) writers.add(by)
      }),
      parameters,
    )
    // Who had nothing to do here has shown nothing.
    expect(CONTROLLERS.map(({ name }) => name).filter((name) => !writers.has(name))).toEqual(elsewhere)
  },
)
