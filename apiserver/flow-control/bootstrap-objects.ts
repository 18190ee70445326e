/** The flow schemas and priority levels that every cluster has, as upstream has them: two of each must be, the others are advice. */
import type {
  FlowcontrolSubject,
  FlowSchema,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
} from '../../api/generated/types.ts'

const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1'

/** `true`: this server keeps the object as it is here. Somebody who changes it sets it to `false`. */
export const AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec'

const annotations = { [AUTOUPDATE]: 'true' }

const level = (name: string, spec: PriorityLevelConfiguration['spec']): PriorityLevelConfiguration => ({
  apiVersion: API_VERSION,
  kind: 'PriorityLevelConfiguration',
  metadata: { name, uid: '', annotations: { ...annotations } },
  spec,
})

/** A level whose requests wait in queues of at most 50. */
const queuing = (name: string, nominalConcurrencyShares: number, lendablePercent: number, queues: number, handSize: number) =>
  level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares,
      lendablePercent,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    },
  })

export const MANDATORY_LEVELS: readonly PriorityLevelConfiguration[] = [
  level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
  level('catch-all', {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  }),
]

export const SUGGESTED_LEVELS: readonly PriorityLevelConfiguration[] = [
  // Nodes and what keeps pods running.
  queuing('system', 30, 33, 64, 6),
  // Apart from it: a node must be able to say that it lives while it starts many pods.
  queuing('node-high', 40, 25, 64, 6),
  queuing('leader-election', 10, 0, 16, 4),
  queuing('workload-high', 40, 50, 128, 6),
  queuing('workload-low', 100, 90, 128, 6),
  queuing('global-default', 20, 50, 128, 6),
]

type Distinguisher = 'ByUser' | 'ByNamespace' | undefined

const schema = (
  name: string,
  levelName: string,
  matchingPrecedence: number,
  distinguisher: Distinguisher,
  rule: PolicyRulesWithSubjects,
): FlowSchema => ({
  apiVersion: API_VERSION,
  kind: 'FlowSchema',
  metadata: { name, uid: '', annotations: { ...annotations } },
  spec: {
    priorityLevelConfiguration: { name: levelName },
    matchingPrecedence,
    ...(distinguisher && { distinguisherMethod: { type: distinguisher } }),
    rules: [rule],
  },
})

const user = (name: string): FlowcontrolSubject => ({ kind: 'User', user: { name } })
const group = (name: string): FlowcontrolSubject => ({ kind: 'Group', group: { name } })

const KUBE_SYSTEM_ACCOUNTS: FlowcontrolSubject = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
}
const CONTROLLER_MANAGER = user('system:kube-controller-manager')
const SCHEDULER = user('system:kube-scheduler')
const NODES = group('system:nodes')
const EVERYBODY = [group('system:unauthenticated'), group('system:authenticated')]

const everything = (...subjects: FlowcontrolSubject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
})

const leases = (...verbs: string[]) => ({ verbs, apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] })

export const MANDATORY_SCHEMAS: readonly FlowSchema[] = [
  schema('exempt', 'exempt', 1, undefined, everything(group('system:masters'))),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', everything(...EVERYBODY)),
]

/** v1.34 took away `endpoint-controller` and `workload-leader-election`, which were for elections without leases. */
export const SUGGESTED_SCHEMAS: readonly FlowSchema[] = [
  schema('probes', 'exempt', 2, undefined, {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [CONTROLLER_MANAGER, SCHEDULER, KUBE_SYSTEM_ACCOUNTS],
    resourceRules: [leases('get', 'create', 'update')],
  }),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: [NODES],
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      leases('*'),
    ],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', everything(NODES)),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', everything(CONTROLLER_MANAGER)),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', everything(SCHEDULER)),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', everything(KUBE_SYSTEM_ACCOUNTS)),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', everything(group('system:serviceaccounts'))),
  schema('global-default', 'global-default', 9900, 'ByUser', everything(...EVERYBODY)),
]
