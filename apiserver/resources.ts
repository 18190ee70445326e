/** Every resource the API server serves by itself, in the order of discovery: one line a kind. A new kind is one file and one line. */
import type { KubeObject } from '../api/object.ts'
import {
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
} from './resources/admission-policy.ts'
import { apiService } from './resources/api-service.ts'
import { certificateSigningRequest } from './resources/certificate-signing-request.ts'
import { componentStatus } from './resources/component-status.ts'
import { configMap } from './resources/config-map.ts'
import { controllerRevision } from './resources/controller-revision.ts'
import { cronJob } from './resources/cron-job.ts'
import { csiDriver, csiNode, csiStorageCapacity } from './resources/csi.ts'
import { customResourceDefinition } from './resources/custom-resource-definition.ts'
import { daemonSet } from './resources/daemon-set.ts'
import { completeBehaviour, defineResource } from './resources/define-resource.ts'
import { deployment } from './resources/deployment.ts'
import { deviceClass, resourceClaim, resourceClaimTemplate, resourceSlice } from './resources/dynamic-resources.ts'
import { endpointSlice } from './resources/endpoint-slice.ts'
import { endpoints } from './resources/endpoints.ts'
import { event, eventOfNewApi, fromCoreEvent, toCoreEvent } from './resources/event.ts'
import { flowSchema } from './resources/flow-schema.ts'
import { horizontalPodAutoscaler } from './resources/horizontal-pod-autoscaler.ts'
import { ingressClass } from './resources/ingress-class.ts'
import { ingress } from './resources/ingress.ts'
import { job } from './resources/job.ts'
import { lease } from './resources/lease.ts'
import { limitRange } from './resources/limit-range.ts'
import { namespace } from './resources/namespace.ts'
import { networkPolicy } from './resources/network-policy.ts'
import { node } from './resources/node.ts'
import { withOlderVersion } from './resources/older-versions.ts'
import { persistentVolumeClaim } from './resources/persistent-volume-claim.ts'
import { persistentVolume } from './resources/persistent-volume.ts'
import { podDisruptionBudget } from './resources/pod-disruption-budget.ts'
import { podTemplate } from './resources/pod-template.ts'
import { pod } from './resources/pod.ts'
import { priorityClass } from './resources/priority-class.ts'
import { priorityLevelConfiguration } from './resources/priority-level-configuration.ts'
import { replicaSet } from './resources/replica-set.ts'
import { replicationController } from './resources/replication-controller.ts'
import { resourceQuota } from './resources/resource-quota.ts'
import type { ResourceBehaviour, ResourceDefinition } from './resources/resource.ts'
import { clusterRoleBinding, roleBinding } from './resources/role-binding.ts'
import { clusterRole, role } from './resources/role.ts'
import { runtimeClass } from './resources/runtime-class.ts'
import { secret } from './resources/secret.ts'
import { serviceAccount } from './resources/service-account.ts'
import { ipAddress, serviceCidr } from './resources/service-cidr.ts'
import { service } from './resources/service.ts'
import { statefulSet } from './resources/stateful-set.ts'
import { storageClass, volumeAttributesClass } from './resources/storage-class.ts'
import { volumeAttachment } from './resources/volume-attachment.ts'
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './resources/webhook-configuration.ts'

/** events.k8s.io/v1 shows core's events in other words: one store, two names. */
const eventsOfNewApi: ResourceDefinition = completeBehaviour(
  {
    group: 'events.k8s.io',
    storageGroup: '',
    versions: ['v1'],
    storageVersion: 'v1',
    kind: 'Event',
    listKind: 'EventList',
    plural: 'events',
    singular: 'event',
    shortNames: ['ev'],
    categories: [],
    namespaced: true,
  },
  { v1: 'EventsEvent' },
  {
    ...(eventOfNewApi as unknown as ResourceBehaviour<KubeObject>),
    conversions: { v1: { toStorage: toCoreEvent, fromStorage: fromCoreEvent } },
  },
  'CoreEvent',
)

const TODAY: readonly ResourceDefinition[] = [
  defineResource('ComponentStatus', componentStatus),
  defineResource('ConfigMap', configMap),
  defineResource('Endpoints', endpoints),
  defineResource('Event', event),
  defineResource('LimitRange', limitRange),
  defineResource('Namespace', namespace),
  defineResource('Node', node),
  defineResource('PersistentVolumeClaim', persistentVolumeClaim),
  defineResource('PersistentVolume', persistentVolume),
  defineResource('Pod', pod),
  defineResource('PodTemplate', podTemplate),
  defineResource('ReplicationController', replicationController),
  defineResource('ResourceQuota', resourceQuota),
  defineResource('Secret', secret),
  defineResource('ServiceAccount', serviceAccount),
  defineResource('Service', service),
  defineResource('MutatingAdmissionPolicy', mutatingAdmissionPolicy),
  defineResource('MutatingAdmissionPolicyBinding', mutatingAdmissionPolicyBinding),
  defineResource('MutatingWebhookConfiguration', mutatingWebhookConfiguration),
  defineResource('ValidatingAdmissionPolicy', validatingAdmissionPolicy),
  defineResource('ValidatingAdmissionPolicyBinding', validatingAdmissionPolicyBinding),
  defineResource('ValidatingWebhookConfiguration', validatingWebhookConfiguration),
  defineResource('CustomResourceDefinition', customResourceDefinition),
  defineResource('APIService', apiService),
  defineResource('ControllerRevision', controllerRevision),
  defineResource('DaemonSet', daemonSet),
  defineResource('Deployment', deployment),
  defineResource('ReplicaSet', replicaSet),
  defineResource('StatefulSet', statefulSet),
  defineResource('HorizontalPodAutoscaler', horizontalPodAutoscaler),
  defineResource('CronJob', cronJob),
  defineResource('Job', job),
  defineResource('CertificateSigningRequest', certificateSigningRequest),
  defineResource('Lease', lease),
  defineResource('EndpointSlice', endpointSlice),
  eventsOfNewApi,
  defineResource('FlowSchema', flowSchema),
  defineResource('PriorityLevelConfiguration', priorityLevelConfiguration),
  defineResource('Ingress', ingress),
  defineResource('IngressClass', ingressClass),
  defineResource('IPAddress', ipAddress),
  defineResource('NetworkPolicy', networkPolicy),
  defineResource('ServiceCIDR', serviceCidr),
  defineResource('RuntimeClass', runtimeClass),
  defineResource('PodDisruptionBudget', podDisruptionBudget),
  defineResource('ClusterRole', clusterRole),
  defineResource('ClusterRoleBinding', clusterRoleBinding),
  defineResource('Role', role),
  defineResource('RoleBinding', roleBinding),
  defineResource('DeviceClass', deviceClass),
  defineResource('ResourceClaim', resourceClaim),
  defineResource('ResourceClaimTemplate', resourceClaimTemplate),
  defineResource('ResourceSlice', resourceSlice),
  defineResource('PriorityClass', priorityClass),
  defineResource('CSIDriver', csiDriver),
  defineResource('CSINode', csiNode),
  defineResource('CSIStorageCapacity', csiStorageCapacity),
  defineResource('StorageClass', storageClass),
  defineResource('VolumeAttachment', volumeAttachment),
  defineResource('VolumeAttributesClass', volumeAttributesClass),
]

export const RESOURCES: readonly ResourceDefinition[] = TODAY.map(withOlderVersion)
