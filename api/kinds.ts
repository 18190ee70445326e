/**
 * Every built-in kind: its group, versions, names and scope. The one list that the API server serves, clients address by,
 * and the CLI resolves names with. A new built-in kind is one line here and one file in `apiserver/resources/`.
 */
import type * as t from './generated/types.ts'

/** The TypeScript type of each kind, by its name. `Event` is the core one; events.k8s.io stores the same objects. */
export interface Kinds {
  APIService: t.APIService
  CertificateSigningRequest: t.CertificateSigningRequest
  ClusterRole: t.ClusterRole
  ClusterRoleBinding: t.ClusterRoleBinding
  ComponentStatus: t.ComponentStatus
  ConfigMap: t.ConfigMap
  ControllerRevision: t.ControllerRevision
  CronJob: t.CronJob
  CSIDriver: t.CSIDriver
  CSINode: t.CSINode
  CSIStorageCapacity: t.CSIStorageCapacity
  CustomResourceDefinition: t.CustomResourceDefinition
  DaemonSet: t.DaemonSet
  Deployment: t.Deployment
  DeviceClass: t.DeviceClass
  Endpoints: t.Endpoints
  EndpointSlice: t.EndpointSlice
  Event: t.CoreEvent
  FlowSchema: t.FlowSchema
  HorizontalPodAutoscaler: t.V2HorizontalPodAutoscaler
  Ingress: t.Ingress
  IngressClass: t.IngressClass
  IPAddress: t.IPAddress
  Job: t.Job
  Lease: t.Lease
  LimitRange: t.LimitRange
  MutatingAdmissionPolicy: t.MutatingAdmissionPolicy
  MutatingAdmissionPolicyBinding: t.MutatingAdmissionPolicyBinding
  MutatingWebhookConfiguration: t.MutatingWebhookConfiguration
  Namespace: t.Namespace
  NetworkPolicy: t.NetworkPolicy
  Node: t.Node
  PersistentVolume: t.PersistentVolume
  PersistentVolumeClaim: t.PersistentVolumeClaim
  Pod: t.Pod
  PodDisruptionBudget: t.PodDisruptionBudget
  PodTemplate: t.PodTemplate
  PriorityClass: t.PriorityClass
  PriorityLevelConfiguration: t.PriorityLevelConfiguration
  ReplicaSet: t.ReplicaSet
  ReplicationController: t.ReplicationController
  ResourceClaim: t.ResourceResourceClaim
  ResourceClaimTemplate: t.ResourceClaimTemplate
  ResourceQuota: t.ResourceQuota
  ResourceSlice: t.ResourceSlice
  Role: t.Role
  RoleBinding: t.RoleBinding
  RuntimeClass: t.RuntimeClass
  Secret: t.Secret
  Service: t.Service
  ServiceAccount: t.ServiceAccount
  ServiceCIDR: t.ServiceCIDR
  StatefulSet: t.StatefulSet
  StorageClass: t.StorageClass
  ValidatingAdmissionPolicy: t.ValidatingAdmissionPolicy
  ValidatingAdmissionPolicyBinding: t.ValidatingAdmissionPolicyBinding
  ValidatingWebhookConfiguration: t.ValidatingWebhookConfiguration
  VolumeAttachment: t.VolumeAttachment
  VolumeAttributesClass: t.VolumeAttributesClass
}

export type KindName = keyof Kinds

export interface KindInfo {
  kind: KindName
  group: string
  /** Served versions, the preferred one first. */
  versions: readonly [string, ...string[]]
  plural: string
  singular: string
  shortNames: readonly string[]
  namespaced: boolean
  categories: readonly string[]
}

type Options = { short?: string[]; categories?: string[] }

const define =
  (namespaced: boolean) =>
  (group: string, versions: [string, ...string[]], kind: KindName, plural: string, options: Options = {}): KindInfo => ({
    kind,
    group,
    versions,
    plural,
    singular: kind.toLowerCase(),
    shortNames: options.short ?? [],
    namespaced,
    categories: options.categories ?? [],
  })
const namespaced = define(true)
const cluster = define(false)
const all = ['all']
const extensions = ['api-extensions']

export const KINDS: readonly KindInfo[] = [
  cluster('', ['v1'], 'ComponentStatus', 'componentstatuses', { short: ['cs'] }),
  namespaced('', ['v1'], 'ConfigMap', 'configmaps', { short: ['cm'] }),
  namespaced('', ['v1'], 'Endpoints', 'endpoints', { short: ['ep'] }),
  namespaced('', ['v1'], 'Event', 'events', { short: ['ev'] }),
  namespaced('', ['v1'], 'LimitRange', 'limitranges', { short: ['limits'] }),
  cluster('', ['v1'], 'Namespace', 'namespaces', { short: ['ns'] }),
  cluster('', ['v1'], 'Node', 'nodes', { short: ['no'] }),
  namespaced('', ['v1'], 'PersistentVolumeClaim', 'persistentvolumeclaims', { short: ['pvc'] }),
  cluster('', ['v1'], 'PersistentVolume', 'persistentvolumes', { short: ['pv'] }),
  namespaced('', ['v1'], 'Pod', 'pods', { short: ['po'], categories: all }),
  namespaced('', ['v1'], 'PodTemplate', 'podtemplates'),
  namespaced('', ['v1'], 'ReplicationController', 'replicationcontrollers', { short: ['rc'], categories: all }),
  namespaced('', ['v1'], 'ResourceQuota', 'resourcequotas', { short: ['quota'] }),
  namespaced('', ['v1'], 'Secret', 'secrets'),
  namespaced('', ['v1'], 'ServiceAccount', 'serviceaccounts', { short: ['sa'] }),
  namespaced('', ['v1'], 'Service', 'services', { short: ['svc'], categories: all }),
  cluster('admissionregistration.k8s.io', ['v1'], 'MutatingAdmissionPolicy', 'mutatingadmissionpolicies', {
    categories: extensions,
  }),
  cluster('admissionregistration.k8s.io', ['v1'], 'MutatingAdmissionPolicyBinding', 'mutatingadmissionpolicybindings', {
    categories: extensions,
  }),
  cluster('admissionregistration.k8s.io', ['v1'], 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', {
    categories: extensions,
  }),
  cluster('admissionregistration.k8s.io', ['v1'], 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', {
    categories: extensions,
  }),
  cluster('admissionregistration.k8s.io', ['v1'], 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', {
    categories: extensions,
  }),
  cluster('admissionregistration.k8s.io', ['v1'], 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', {
    categories: extensions,
  }),
  cluster('apiextensions.k8s.io', ['v1'], 'CustomResourceDefinition', 'customresourcedefinitions', {
    short: ['crd', 'crds'],
    categories: extensions,
  }),
  cluster('apiregistration.k8s.io', ['v1'], 'APIService', 'apiservices', { categories: extensions }),
  namespaced('apps', ['v1'], 'ControllerRevision', 'controllerrevisions'),
  namespaced('apps', ['v1'], 'DaemonSet', 'daemonsets', { short: ['ds'], categories: all }),
  namespaced('apps', ['v1'], 'Deployment', 'deployments', { short: ['deploy'], categories: all }),
  namespaced('apps', ['v1'], 'ReplicaSet', 'replicasets', { short: ['rs'], categories: all }),
  namespaced('apps', ['v1'], 'StatefulSet', 'statefulsets', { short: ['sts'], categories: all }),
  namespaced('autoscaling', ['v2', 'v1'], 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    short: ['hpa'],
    categories: all,
  }),
  namespaced('batch', ['v1'], 'CronJob', 'cronjobs', { short: ['cj'], categories: all }),
  namespaced('batch', ['v1'], 'Job', 'jobs', { categories: all }),
  cluster('certificates.k8s.io', ['v1'], 'CertificateSigningRequest', 'certificatesigningrequests', { short: ['csr'] }),
  namespaced('coordination.k8s.io', ['v1'], 'Lease', 'leases'),
  namespaced('discovery.k8s.io', ['v1'], 'EndpointSlice', 'endpointslices'),
  cluster('flowcontrol.apiserver.k8s.io', ['v1'], 'FlowSchema', 'flowschemas'),
  cluster('flowcontrol.apiserver.k8s.io', ['v1'], 'PriorityLevelConfiguration', 'prioritylevelconfigurations'),
  namespaced('networking.k8s.io', ['v1'], 'Ingress', 'ingresses', { short: ['ing'] }),
  cluster('networking.k8s.io', ['v1'], 'IngressClass', 'ingressclasses'),
  cluster('networking.k8s.io', ['v1'], 'IPAddress', 'ipaddresses', { short: ['ip'] }),
  namespaced('networking.k8s.io', ['v1'], 'NetworkPolicy', 'networkpolicies', { short: ['netpol'] }),
  cluster('networking.k8s.io', ['v1'], 'ServiceCIDR', 'servicecidrs'),
  cluster('node.k8s.io', ['v1'], 'RuntimeClass', 'runtimeclasses'),
  namespaced('policy', ['v1'], 'PodDisruptionBudget', 'poddisruptionbudgets', { short: ['pdb'] }),
  cluster('rbac.authorization.k8s.io', ['v1'], 'ClusterRole', 'clusterroles'),
  cluster('rbac.authorization.k8s.io', ['v1'], 'ClusterRoleBinding', 'clusterrolebindings'),
  namespaced('rbac.authorization.k8s.io', ['v1'], 'Role', 'roles'),
  namespaced('rbac.authorization.k8s.io', ['v1'], 'RoleBinding', 'rolebindings'),
  cluster('resource.k8s.io', ['v1'], 'DeviceClass', 'deviceclasses'),
  namespaced('resource.k8s.io', ['v1'], 'ResourceClaim', 'resourceclaims'),
  namespaced('resource.k8s.io', ['v1'], 'ResourceClaimTemplate', 'resourceclaimtemplates'),
  cluster('resource.k8s.io', ['v1'], 'ResourceSlice', 'resourceslices'),
  cluster('scheduling.k8s.io', ['v1'], 'PriorityClass', 'priorityclasses', { short: ['pc'] }),
  cluster('storage.k8s.io', ['v1'], 'CSIDriver', 'csidrivers'),
  cluster('storage.k8s.io', ['v1'], 'CSINode', 'csinodes'),
  namespaced('storage.k8s.io', ['v1'], 'CSIStorageCapacity', 'csistoragecapacities'),
  cluster('storage.k8s.io', ['v1'], 'StorageClass', 'storageclasses', { short: ['sc'] }),
  cluster('storage.k8s.io', ['v1'], 'VolumeAttachment', 'volumeattachments'),
  cluster('storage.k8s.io', ['v1'], 'VolumeAttributesClass', 'volumeattributesclasses', { short: ['vac'] }),
]

const byKind = new Map(KINDS.map((info) => [info.kind, info]))

export function kindInfo(kind: KindName): KindInfo {
  const info = byKind.get(kind)
  if (!info) throw new Error(`Cannot find kind ${kind}: it is not in the table`)
  return info
}

export const apiVersionOf = ({ group, versions }: KindInfo, version: string = versions[0]) =>
  group ? `${group}/${version}` : version
