/** The default cluster roles, roles and bindings: upstream's, and the few that kubelab adds, as data. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../../api/generated/types.ts'
import { CONTROLLER_ROLES } from './bootstrap-controller-roles.ts'
import {
  account,
  aggregatedRole,
  aggregateTo,
  binding,
  clusterBinding,
  clusterRole,
  CORE,
  events,
  group,
  READ,
  READ_WRITE,
  role,
  rule,
  urls,
  user,
  WRITE,
} from './policy-notation.ts'
import { compactRules } from '../authorization/rbac-rules.ts'

const AUTHENTICATION = 'authentication.k8s.io'
const AUTHORIZATION = 'authorization.k8s.io'
const CERTIFICATES = 'certificates.k8s.io'
const COORDINATION = 'coordination.k8s.io'
const DISCOVERY = 'discovery.k8s.io'
const NETWORKING = 'networking.k8s.io'
const RBAC = 'rbac.authorization.k8s.io'
const DEVICES = 'resource.k8s.io'
const STORAGE = 'storage.k8s.io'

const HEALTH = '/livez /readyz /healthz'
const VERSION = '/version /version/'

const REVIEWS = [rule('create', AUTHENTICATION, 'tokenreviews'), rule('create', AUTHORIZATION, 'subjectaccessreviews')]

/** Also what the Node authorizer allows where it does not look closer. */
export const NODE_RULES: readonly PolicyRule[] = [
  rule('create', AUTHENTICATION, 'tokenreviews'),
  rule('create', AUTHORIZATION, 'localsubjectaccessreviews subjectaccessreviews'),
  rule(READ, CORE, 'services'),
  // Which node, which pod and which token is NodeRestriction's part.
  rule(`create ${READ}`, CORE, 'nodes'),
  rule('patch update', CORE, 'nodes/status'),
  rule('patch update', CORE, 'nodes'),
  rule('create patch update', CORE, 'events'),
  rule(READ, CORE, 'pods'),
  rule('create delete', CORE, 'pods'),
  rule('patch update', CORE, 'pods/status'),
  rule('create', CORE, 'pods/eviction'),
  rule(READ, CORE, 'configmaps secrets'),
  rule('get', CORE, 'persistentvolumeclaims persistentvolumes'),
  rule('get', CORE, 'endpoints'),
  rule(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
  rule('create delete get patch update', COORDINATION, 'leases'),
  rule('get', STORAGE, 'volumeattachments'),
  rule('create', CORE, 'serviceaccounts/token'),
  rule('get patch update', CORE, 'persistentvolumeclaims/status'),
  rule(READ, STORAGE, 'csidrivers'),
  rule('create delete get patch update', STORAGE, 'csinodes'),
  rule(READ, 'node.k8s.io', 'runtimeclasses'),
  rule('get', DEVICES, 'resourceclaims'),
  rule(`create deletecollection patch update delete ${READ}`, DEVICES, 'resourceslices'),
]

const EXEC = 'pods/attach pods/exec pods/portforward pods/proxy'
const WORKLOADS = 'daemonsets deployments deployments/scale replicasets replicasets/scale'

const ADMIN_RULES = [rule('create', AUTHORIZATION, 'localsubjectaccessreviews'), rule(READ_WRITE, RBAC, 'rolebindings roles')]

const EDIT_RULES = [
  // Reading these is a way to more rights, so a viewer may not.
  rule(READ, CORE, `${EXEC} secrets services/proxy`),
  rule('impersonate', CORE, 'serviceaccounts'),
  rule(WRITE, CORE, `pods ${EXEC}`),
  rule('create', CORE, 'pods/eviction'),
  rule(
    WRITE,
    CORE,
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule('create', CORE, 'serviceaccounts/token'),
  rule(WRITE, 'apps', `${WORKLOADS} deployments/rollback statefulsets statefulsets/scale`),
  rule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  rule(WRITE, 'batch', 'cronjobs jobs'),
  rule(WRITE, 'extensions', `${WORKLOADS} deployments/rollback ingresses networkpolicies replicationcontrollers/scale`),
  rule(WRITE, 'policy', 'poddisruptionbudgets'),
  rule(WRITE, NETWORKING, 'ingresses networkpolicies'),
  rule(READ_WRITE, COORDINATION, 'leases'),
  rule(WRITE, DEVICES, 'resourceclaims resourceclaimtemplates'),
]

const WORKLOADS_STATUS = `${WORKLOADS} daemonsets/status deployments/status replicasets/status`

const VIEW_RULES = [
  rule(
    READ,
    CORE,
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    READ,
    CORE,
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(READ, CORE, 'namespaces'),
  rule(READ, DISCOVERY, 'endpointslices'),
  rule(READ, 'apps', `${WORKLOADS_STATUS} controllerrevisions statefulsets statefulsets/scale statefulsets/status`),
  rule(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(READ, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(READ, 'extensions', `${WORKLOADS_STATUS} ingresses ingresses/status networkpolicies replicationcontrollers/scale`),
  rule(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(READ, NETWORKING, 'ingresses ingresses/status networkpolicies'),
  rule(READ, DEVICES, 'resourceclaims resourceclaims/status resourceclaimtemplates'),
]

const CONTROLLER_MANAGER_RULES = [
  events,
  rule('create', COORDINATION, 'leases'),
  rule('get update', COORDINATION, 'leases', 'kube-controller-manager'),
  rule('create', CORE, 'secrets serviceaccounts'),
  rule('delete', CORE, 'secrets'),
  rule('get', CORE, 'configmaps namespaces secrets serviceaccounts'),
  rule('update', CORE, 'secrets serviceaccounts'),
  ...REVIEWS,
  rule('list watch', '*', '*'),
  rule('create', CORE, 'serviceaccounts/token'),
]

const SCHEDULER_RULES = [
  events,
  rule('create', COORDINATION, 'leases'),
  rule('get update', COORDINATION, 'leases', 'kube-scheduler'),
  rule(READ, CORE, 'nodes'),
  rule(`delete ${READ}`, CORE, 'pods'),
  rule('create', CORE, 'bindings pods/binding'),
  rule('patch update', CORE, 'pods/status'),
  rule(READ, CORE, 'replicationcontrollers services'),
  rule(READ, 'apps extensions', 'replicasets'),
  rule(READ, 'apps', 'statefulsets'),
  rule(READ, 'policy', 'poddisruptionbudgets'),
  rule(READ, CORE, 'persistentvolumeclaims persistentvolumes'),
  ...REVIEWS,
  rule(READ, STORAGE, 'csinodes'),
  rule(READ, CORE, 'namespaces'),
  rule(READ, STORAGE, 'csidrivers'),
  rule(READ, STORAGE, 'csistoragecapacities'),
  rule(READ, STORAGE, 'volumeattachments'),
  rule(READ, DEVICES, 'deviceclasses'),
  rule(`patch update ${READ}`, DEVICES, 'resourceclaims'),
  rule('patch update', DEVICES, 'resourceclaims/status'),
  rule('patch update', CORE, 'pods/finalizers'),
  rule(READ, DEVICES, 'resourceslices'),
]

const signer = (name: string): PolicyRule => rule('approve', CERTIFICATES, 'signers', `kubernetes.io/${name}`)

const SYSTEM_ROLES: ClusterRole[] = [
  clusterRole('cluster-admin', [rule('*', '*', '*'), { nonResourceURLs: ['*'], verbs: ['*'] }]),
  clusterRole('system:discovery', [urls(`${HEALTH} ${VERSION} /openapi /openapi/* /api /api/* /apis /apis/*`)]),
  clusterRole('system:monitoring', [urls(`/metrics /metrics/slis ${HEALTH} /livez/* /readyz/* /healthz/*`)]),
  clusterRole('system:basic-user', [
    rule('create', AUTHORIZATION, 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', AUTHENTICATION, 'selfsubjectreviews'),
  ]),
  clusterRole('system:public-info-viewer', [urls(`${HEALTH} ${VERSION}`)]),
  aggregatedRole('admin', 'admin'),
  aggregatedRole('edit', 'edit', { [aggregateTo('admin')]: 'true' }),
  aggregatedRole('view', 'view', { [aggregateTo('edit')]: 'true' }),
  clusterRole('system:aggregate-to-admin', ADMIN_RULES, { [aggregateTo('admin')]: 'true' }),
  clusterRole('system:aggregate-to-edit', EDIT_RULES, { [aggregateTo('edit')]: 'true' }),
  clusterRole('system:aggregate-to-view', VIEW_RULES, { [aggregateTo('view')]: 'true' }),
  clusterRole('system:heapster', [rule(READ, CORE, 'events namespaces nodes pods'), rule(READ, 'extensions', 'deployments')]),
  clusterRole('system:node', [...NODE_RULES]),
  clusterRole('system:node-problem-detector', [rule('get', CORE, 'nodes'), rule('patch', CORE, 'nodes/status'), events]),
  clusterRole('system:kubelet-api-admin', [
    rule(READ, CORE, 'nodes'),
    rule('proxy', CORE, 'nodes'),
    rule('*', CORE, 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:node-bootstrapper', [rule(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests')]),
  clusterRole('system:auth-delegator', REVIEWS),
  clusterRole('system:kube-aggregator', [rule(READ, CORE, 'endpoints services')]),
  clusterRole('system:kube-controller-manager', CONTROLLER_MANAGER_RULES),
  clusterRole('system:kube-dns', [rule('list watch', CORE, 'endpoints services')]),
  clusterRole('system:persistent-volume-provisioner', [
    rule(`create delete ${READ}`, CORE, 'persistentvolumes'),
    rule(`update ${READ}`, CORE, 'persistentvolumeclaims'),
    rule(READ, STORAGE, 'storageclasses'),
    rule('watch', CORE, 'events'),
    events,
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
    rule('create', CERTIFICATES, 'certificatesigningrequests/nodeclient'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    rule('create', CERTIFICATES, 'certificatesigningrequests/selfnodeclient'),
  ]),
  clusterRole('system:volume-scheduler', [
    rule(`patch update ${READ}`, CORE, 'persistentvolumes'),
    rule(READ, STORAGE, 'storageclasses'),
    rule(`patch update ${READ}`, CORE, 'persistentvolumeclaims'),
  ]),
  clusterRole('system:certificates.k8s.io:legacy-unknown-approver', [signer('legacy-unknown')]),
  clusterRole('system:certificates.k8s.io:kubelet-serving-approver', [signer('kubelet-serving')]),
  clusterRole('system:certificates.k8s.io:kube-apiserver-client-approver', [signer('kube-apiserver-client')]),
  clusterRole('system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', [signer('kube-apiserver-client-kubelet')]),
  clusterRole('system:service-account-issuer-discovery', [urls('/.well-known/openid-configuration /openid/v1/jwks')]),
  clusterRole('system:node-proxier', [
    rule('list watch', CORE, 'endpoints services'),
    rule(READ, CORE, 'nodes'),
    events,
    rule('list watch', DISCOVERY, 'endpointslices'),
    rule('list watch', NETWORKING, 'servicecidrs'),
  ]),
  clusterRole('system:kube-scheduler', SCHEDULER_RULES),
]

const CONTROLLER_MANAGER = 'system:kube-controller-manager'
const SCHEDULER = 'system:kube-scheduler'

const SYSTEM_BINDINGS: ClusterRoleBinding[] = [
  clusterBinding('cluster-admin', [group('system:masters')]),
  clusterBinding('system:monitoring', [group('system:monitoring')]),
  clusterBinding('system:discovery', [group('system:authenticated')]),
  clusterBinding('system:basic-user', [group('system:authenticated')]),
  clusterBinding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  clusterBinding('system:node-proxier', [user('system:kube-proxy')]),
  clusterBinding(CONTROLLER_MANAGER, [user(CONTROLLER_MANAGER)]),
  clusterBinding('system:kube-dns', [account('kube-dns')]),
  clusterBinding(SCHEDULER, [user(SCHEDULER)]),
  clusterBinding('system:volume-scheduler', [user(SCHEDULER)]),
  // Nodes have their rights from the Node authorizer; the binding stays, without subjects, to take away what old ones gave.
  clusterBinding('system:node', []),
  clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
]

const KUBELAB_CONTROLLERS = 'kubelab:kube-controller-manager'

/** What kubeadm adds to a cluster, and what running all controllers under one identity takes. */
const KUBELAB_ROLES: ClusterRole[] = [
  clusterRole(KUBELAB_CONTROLLERS, compactRules(CONTROLLER_ROLES.flatMap(({ rules }) => rules ?? []))),
]

const KUBELAB_BINDINGS: ClusterRoleBinding[] = [
  clusterBinding(KUBELAB_CONTROLLERS, [user(CONTROLLER_MANAGER)]),
  clusterBinding('kubeadm:cluster-admins', [group('kubeadm:cluster-admins')], 'cluster-admin'),
  clusterBinding(
    'kubeadm:kubelet-bootstrap',
    [group('system:bootstrappers:kubeadm:default-node-token')],
    'system:node-bootstrapper',
  ),
  clusterBinding(
    'kubeadm:node-autoapprove-bootstrap',
    [group('system:bootstrappers:kubeadm:default-node-token')],
    'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
  ),
  clusterBinding(
    'kubeadm:node-autoapprove-certificate-rotation',
    [group('system:nodes')],
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
  ),
]

const controllerAccount = (name: string) => account(name.slice('system:controller:'.length))

export const CLUSTER_ROLES: readonly ClusterRole[] = [...SYSTEM_ROLES, ...CONTROLLER_ROLES, ...KUBELAB_ROLES]

export const CLUSTER_ROLE_BINDINGS: readonly ClusterRoleBinding[] = [
  ...SYSTEM_BINDINGS,
  ...CONTROLLER_ROLES.map(({ metadata: { name } }) => clusterBinding(name, [controllerAccount(name)])),
  ...KUBELAB_BINDINGS,
]

const leaderLocking = (component: string): [Role, RoleBinding] => {
  const name = `system::leader-locking-${component}`
  return [
    role('kube-system', name, [rule('watch', CORE, 'configmaps'), rule('get update', CORE, 'configmaps', component)]),
    binding('kube-system', name, [user(`system:${component}`), account(component)]),
  ]
}
const [lockControllers, bindControllers] = leaderLocking('kube-controller-manager')
const [lockScheduler, bindScheduler] = leaderLocking('kube-scheduler')

export const ROLES: readonly Role[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    rule(READ, CORE, 'configmaps', 'extension-apiserver-authentication'),
  ]),
  role('kube-system', 'system:controller:bootstrap-signer', [rule(READ, CORE, 'secrets')]),
  role('kube-system', 'system:controller:cloud-provider', [rule(`create ${READ}`, CORE, 'configmaps')]),
  role('kube-system', 'system:controller:token-cleaner', [rule(`delete ${READ}`, CORE, 'secrets'), events]),
  lockControllers,
  lockScheduler,
  role('kube-public', 'system:controller:bootstrap-signer', [
    rule(READ, CORE, 'configmaps'),
    rule('update', CORE, 'configmaps', 'cluster-info'),
    events,
  ]),
]

export const ROLE_BINDINGS: readonly RoleBinding[] = [
  binding(
    'kube-system',
    'system::extension-apiserver-authentication-reader',
    [user(CONTROLLER_MANAGER), user(SCHEDULER)],
    'extension-apiserver-authentication-reader',
  ),
  bindControllers,
  bindScheduler,
  binding('kube-system', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  binding('kube-system', 'system:controller:cloud-provider', [account('cloud-provider')]),
  binding('kube-system', 'system:controller:token-cleaner', [account('token-cleaner')]),
  binding('kube-public', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
]
