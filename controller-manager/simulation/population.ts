/** A simulated cluster as something else has left it behind: one of each kind that controllers care for, at random. */
import type { KindName } from '../../api/kinds.ts'
import type { Simulation } from './simulation.ts'

const minutes = (count: number) => count * 60_000
const days = (count: number) => count * 24 * 60 * 60_000

export const namespace = 'default'
export const labelsOf = (name: string) => ({ app: name })
export const templateOf = (name: string, more: object = {}) => ({
  metadata: { labels: labelsOf(name) },
  spec: { containers: [{ name: 'c', image: 'v1' }], ...more },
})
const workload = (name: string) => ({ selector: { matchLabels: labelsOf(name) }, template: templateOf(name) })
const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
const job = (name: string) => ({
  parallelism: 2,
  completions: 4,
  backoffLimit: 3,
  selector: { matchLabels: labelsOf(name) },
  template: templateOf(name, { restartPolicy: 'Never' }),
})
const storage = { storage: '1Gi' }

type Create = (kind: KindName, name: string, fields: object, metadata?: object) => Promise<unknown>

/** `certificateRequest` is what a kubelet asks for, in base64. */
export async function populate(simulation: Simulation, certificateRequest: string): Promise<void> {
  const { server, random, clock } = simulation
  const create: Create = (kind, name, fields, metadata = {}) =>
    server.create(kind, { ...fields, metadata: { namespace, name, ...metadata } } as never)
  await createNamespaces(create)
  // Nobody has used the token of the robot for so long.
  await clock.advance(days(42))
  await createNodes(create)
  await createSets(create, random)
  await createJobs(create)
  await createServices(create)
  await createStorage(create)
  await createCredentials(create, certificateRequest, clock.now())
  await createScaled(create)
  await createLeaving(create)
  await createRoles(create)
  await createStrayPods(create, random)
}

/** With an account whose token is of the old kind. */
async function createNamespaces(create: Create): Promise<void> {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'leaving'])
    await create('Namespace', name, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
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
}

async function createNodes(create: Create): Promise<void> {
  for (let index = 0; index < 5; index++) {
    await create('Node', `node-${index}`, { spec: {} }, { labels: { 'kubernetes.io/hostname': `node-${index}` } })
  }
}

async function createSets(create: Create, random: Simulation['random']): Promise<void> {
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
}

async function createJobs(create: Create): Promise<void> {
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
}

async function createServices(create: Create): Promise<void> {
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
}

async function createStorage(create: Create): Promise<void> {
  await create('StorageClass', 'slow', { provisioner: 'example.com/none', volumeBindingMode: 'Immediate' })
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
}

async function createCredentials(create: Create, certificateRequest: string, now: Date): Promise<void> {
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
    expiration: new Date(now.getTime() + minutes(15)).toISOString(),
  }
  await create(
    'Secret',
    'bootstrap-token-abcdef',
    {
      type: 'bootstrap.kubernetes.io/token',
      data: Object.fromEntries(
        Object.entries(bootstrapToken).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
      ),
    },
    { namespace: 'kube-system' },
  )
  await create('ConfigMap', 'cluster-info', { data: { kubeconfig: 'here it is' } }, { namespace: 'kube-public' })
}

async function createScaled(create: Create): Promise<void> {
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
}

/** What is deleted in the middle of the run. */
async function createLeaving(create: Create): Promise<void> {
  for (const name of ['doomed', 'freed']) await create('ReplicaSet', name, { spec: { ...workload(name), replicas: 3 } })
  // Things in a namespace that hold on.
  const leaving = { namespace: 'leaving' }
  await create('Deployment', 'web', { spec: { ...workload('web'), replicas: 3, strategy } }, leaving)
  await create('Job', 'endless', { spec: { ...job('endless'), completions: 1000, completionMode: 'NonIndexed' } }, leaving)
  await create('ConfigMap', 'map', { data: {} }, leaving)
  await create('PersistentVolumeClaim', 'data', { spec: { resources: { requests: storage }, storageClassName: 'slow' } }, leaving)
}

async function createRoles(create: Create): Promise<void> {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] }
  await create('ClusterRole', 'whole', { aggregationRule, rules: [] })
  await create(
    'ClusterRole',
    'part',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
    { labels: { part: 'yes' } },
  )
}

/** Pods that nobody made, and those of something that is gone. */
async function createStrayPods(create: Create, random: Simulation['random']): Promise<void> {
  for (const app of ['web', 'set', 'db', 'agent', 'pi']) {
    if (random.chance(0.5))
      await create('Pod', `stray-${app}`, { spec: { containers: [{ name: 'c', image: 'v0' }] } }, { labels: labelsOf(app) })
  }
  await create('Pod', 'stranded', { spec: { containers: [], nodeName: 'node-4' }, status: { phase: 'Running' } })
  const tracked = { finalizers: ['batch.kubernetes.io/job-tracking'] }
  await create('Pod', 'of-no-job', { spec: { containers: [], nodeName: 'node-0' }, status: { phase: 'Succeeded' } }, tracked)
  await create('Pod', 'lost', { spec: { containers: [], nodeName: 'gone' }, status: { phase: 'Running' } })
}
