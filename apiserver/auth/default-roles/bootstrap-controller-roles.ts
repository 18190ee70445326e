/** What each controller of the controller manager may do, by upstream's role names. */
import type { ClusterRole, PolicyRule } from '../../../api/generated/types.ts'
import { clusterRole, CORE, events, READ, rule } from './policy-notation.ts'

const CERTIFICATES = 'certificates.k8s.io'
const DISCOVERY = 'discovery.k8s.io'
const NETWORKING = 'networking.k8s.io'
const DEVICES = 'resource.k8s.io'
const STORAGE = 'storage.k8s.io'
const APPS = 'apps extensions'

const SIGNERS = ['legacy-unknown', 'kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving']
  .map((name) => `kubernetes.io/${name}`)
  .join(' ')

const CONTROLLERS: Record<string, PolicyRule[]> = {
  'attachdetach-controller': [
    rule('list watch', CORE, 'persistentvolumeclaims persistentvolumes'),
    rule(READ, CORE, 'nodes'),
    rule('patch update', CORE, 'nodes/status'),
    rule('list watch', CORE, 'pods'),
    events,
    rule(`create delete ${READ}`, STORAGE, 'volumeattachments'),
    rule(READ, STORAGE, 'csidrivers'),
    rule(READ, STORAGE, 'csinodes'),
  ],
  'clusterrole-aggregation-controller': [rule(`escalate patch update ${READ}`, 'rbac.authorization.k8s.io', 'clusterroles')],
  'cronjob-controller': [
    rule(`update ${READ}`, 'batch', 'cronjobs'),
    rule(`create delete patch update ${READ}`, 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/status'),
    rule('update', 'batch', 'cronjobs/finalizers'),
    rule('delete list watch', CORE, 'pods'),
    events,
  ],
  'daemon-set-controller': [
    rule(READ, APPS, 'daemonsets'),
    rule('update', APPS, 'daemonsets/status'),
    rule('update', APPS, 'daemonsets/finalizers'),
    rule('list watch', CORE, 'nodes'),
    rule('create delete list patch watch', CORE, 'pods'),
    rule('create', CORE, 'pods/binding'),
    rule(`create delete patch update ${READ}`, 'apps', 'controllerrevisions'),
    events,
  ],
  'deployment-controller': [
    rule(`update ${READ}`, APPS, 'deployments'),
    rule('update', APPS, 'deployments/status'),
    rule('update', APPS, 'deployments/finalizers'),
    rule(`create delete patch update ${READ}`, APPS, 'replicasets'),
    rule(`update ${READ}`, CORE, 'pods'),
    events,
  ],
  'disruption-controller': [
    rule(READ, APPS, 'deployments'),
    rule(READ, APPS, 'replicasets'),
    rule(READ, CORE, 'replicationcontrollers'),
    rule(READ, 'policy', 'poddisruptionbudgets'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    rule('patch update', CORE, 'pods/status'),
    rule('get', '*', '*/scale'),
    events,
  ],
  'endpoint-controller': [
    rule(READ, CORE, 'pods services'),
    rule(`create delete update ${READ}`, CORE, 'endpoints'),
    rule('create', CORE, 'endpoints/restricted'),
    events,
  ],
  'endpointslice-controller': [
    rule(READ, CORE, 'nodes pods services'),
    // Its slices block the deletion of the service that owns them.
    rule('update', CORE, 'services/finalizers'),
    rule(`create delete update ${READ}`, DISCOVERY, 'endpointslices'),
    events,
  ],
  'endpointslicemirroring-controller': [
    rule(READ, CORE, 'endpoints services'),
    rule('update', CORE, 'services/finalizers'),
    rule('update', CORE, 'endpoints/finalizers'),
    rule(`create delete update ${READ}`, DISCOVERY, 'endpointslices'),
    events,
  ],
  'expand-controller': [
    rule(`patch update ${READ}`, CORE, 'persistentvolumes'),
    rule('patch update', CORE, 'persistentvolumeclaims/status'),
    rule(READ, CORE, 'persistentvolumeclaims'),
    events,
    rule('get', CORE, 'services'),
  ],
  'ephemeral-volume-controller': [
    rule(READ, CORE, 'pods'),
    rule('update', CORE, 'pods/finalizers'),
    rule(`create ${READ}`, CORE, 'persistentvolumeclaims'),
    events,
  ],
  'resource-claim-controller': [
    rule(READ, CORE, 'pods'),
    rule('update', CORE, 'pods/finalizers'),
    rule(`create delete ${READ}`, DEVICES, 'resourceclaims'),
    rule('patch update', DEVICES, 'resourceclaims resourceclaims/status'),
    rule('patch update', CORE, 'pods/status'),
    events,
  ],
  'device-taint-eviction-controller': [
    rule(`delete ${READ}`, CORE, 'pods'),
    rule('patch update', CORE, 'pods/status'),
    rule(READ, DEVICES, 'resourceclaims'),
    rule(READ, DEVICES, 'resourceslices'),
    rule(READ, DEVICES, 'deviceclasses'),
    rule(READ, DEVICES, 'devicetaintrules'),
    events,
  ],
  'generic-garbage-collector': [rule(`delete patch update ${READ}`, '*', '*'), events],
  'horizontal-pod-autoscaler': [
    rule(READ, 'autoscaling', 'horizontalpodautoscalers'),
    rule('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    rule('get update', '*', '*/scale'),
    rule('list watch', CORE, 'pods'),
    rule('list watch', 'metrics.k8s.io', 'pods'),
    rule(READ, 'custom.metrics.k8s.io', '*'),
    rule(READ, 'external.metrics.k8s.io', '*'),
    events,
  ],
  'job-controller': [
    rule(`patch update ${READ}`, 'batch', 'jobs'),
    rule('update', 'batch', 'jobs/status'),
    rule('update', 'batch', 'jobs/finalizers'),
    rule('create delete list patch watch', CORE, 'pods'),
    events,
  ],
  'namespace-controller': [
    rule(`delete ${READ}`, CORE, 'namespaces'),
    rule('update', CORE, 'namespaces/finalize namespaces/status'),
    rule(`delete deletecollection ${READ}`, '*', '*'),
  ],
  'node-controller': [
    rule(`delete patch update ${READ}`, CORE, 'nodes'),
    rule('patch update', CORE, 'nodes/status'),
    rule('patch update', CORE, 'pods/status'),
    rule(`delete ${READ}`, CORE, 'pods'),
    events,
  ],
  'persistent-volume-binder': [
    rule(`create delete update ${READ}`, CORE, 'persistentvolumes'),
    rule('update', CORE, 'persistentvolumes/status'),
    rule(`update ${READ}`, CORE, 'persistentvolumeclaims'),
    rule('update', CORE, 'persistentvolumeclaims/status'),
    rule(`create delete ${READ}`, CORE, 'pods'),
    rule(READ, STORAGE, 'storageclasses'),
    rule('list watch', CORE, 'nodes'),
    events,
    rule('watch', CORE, 'events'),
    rule('get', CORE, 'services'),
  ],
  'pod-garbage-collector': [
    rule('delete list watch', CORE, 'pods'),
    rule(READ, CORE, 'nodes'),
    rule('patch', CORE, 'pods/status'),
  ],
  'replicaset-controller': [
    rule(`update ${READ}`, APPS, 'replicasets'),
    rule('update', APPS, 'replicasets/status'),
    rule('update', APPS, 'replicasets/finalizers'),
    rule('create delete list patch watch', CORE, 'pods'),
    events,
  ],
  'replication-controller': [
    rule(`update ${READ}`, CORE, 'replicationcontrollers'),
    rule('update', CORE, 'replicationcontrollers/status'),
    rule('update', CORE, 'replicationcontrollers/finalizers'),
    rule('create delete list patch watch', CORE, 'pods'),
    events,
  ],
  'resourcequota-controller': [rule('list watch', '*', '*'), rule('update', CORE, 'resourcequotas/status'), events],
  'route-controller': [rule('list watch', CORE, 'nodes'), rule('patch', CORE, 'nodes/status'), events],
  'service-account-controller': [rule('create', CORE, 'serviceaccounts'), events],
  'service-controller': [
    rule(READ, CORE, 'services'),
    rule('patch update', CORE, 'services/status'),
    rule('list watch', CORE, 'nodes'),
    events,
  ],
  'service-cidrs-controller': [
    rule(`patch update ${READ}`, NETWORKING, 'servicecidrs'),
    rule('patch update', NETWORKING, 'servicecidrs/finalizers'),
    rule('patch update', NETWORKING, 'servicecidrs/status'),
    rule(READ, NETWORKING, 'ipaddresses'),
    events,
  ],
  'statefulset-controller': [
    rule('list watch', CORE, 'pods'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/status'),
    rule('update', 'apps', 'statefulsets/finalizers'),
    rule('create delete get patch update', CORE, 'pods'),
    rule(`create delete patch update ${READ}`, 'apps', 'controllerrevisions'),
    rule(`create ${READ}`, CORE, 'persistentvolumeclaims'),
    rule('delete update', CORE, 'persistentvolumeclaims'),
    rule('update', CORE, 'pods/finalizers'),
    events,
  ],
  'ttl-controller': [rule('list patch update watch', CORE, 'nodes'), events],
  'certificate-controller': [
    rule(`delete ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
    rule('update', CERTIFICATES, 'certificatesigningrequests/approval certificatesigningrequests/status'),
    rule('approve', CERTIFICATES, 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    rule('sign', CERTIFICATES, 'signers', SIGNERS),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    events,
  ],
  'pvc-protection-controller': [rule(`update ${READ}`, CORE, 'persistentvolumeclaims'), rule(READ, CORE, 'pods'), events],
  'pv-protection-controller': [rule(`update ${READ}`, CORE, 'persistentvolumes'), events],
  'volumeattributesclass-protection-controller': [
    rule(READ, CORE, 'persistentvolumeclaims'),
    rule(READ, CORE, 'persistentvolumes'),
    rule(`update ${READ}`, STORAGE, 'volumeattributesclasses'),
    events,
  ],
  'ttl-after-finished-controller': [rule(`delete ${READ}`, 'batch', 'jobs'), events],
  'root-ca-cert-publisher': [rule('create update', CORE, 'configmaps'), events],
  'validatingadmissionpolicy-status-controller': [
    rule(READ, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    rule('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    events,
  ],
  'legacy-service-account-token-cleaner': [
    rule('get', CORE, 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
    rule('delete patch', CORE, 'secrets'),
  ],
  'selinux-warning-controller': [
    events,
    rule(READ, CORE, 'persistentvolumes'),
    rule(READ, CORE, 'persistentvolumeclaims'),
    rule(READ, CORE, 'pods'),
    rule(READ, STORAGE, 'csidrivers'),
  ],
}

/** Where upstream's controllers write whole objects ours write the fields that differ: the same right, used through PATCH. */
const withPatch = (rule: PolicyRule): PolicyRule =>
  rule.verbs.includes('update') && !rule.verbs.includes('patch') ? { ...rule, verbs: [...rule.verbs, 'patch'].sort() } : rule

export const CONTROLLER_ROLES: readonly ClusterRole[] = Object.entries(CONTROLLERS).map(([name, rules]) =>
  clusterRole(`system:controller:${name}`, rules.map(withPatch)),
)
