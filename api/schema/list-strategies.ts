/**
 * What the published client lacks of the API's schema: how lists and maps merge, and which strings are quantities.
 *
 * Keyed by model and field of api/generated/schemas.json, without a version prefix: `V1beta1Device.taints` is read as
 * `Device.taints`. A list that is not named here is atomic and is replaced whole by every kind of patch.
 */

export interface ListStrategy {
  /** `patchStrategy` of strategic merge patch. */
  patch?: readonly ('merge' | 'retainKeys' | 'replace')[]
  /** `patchMergeKey`; absent for lists of plain values. */
  mergeKey?: string
  /** `x-kubernetes-list-type` of server-side apply. */
  list?: 'set' | 'map'
  /** `x-kubernetes-list-map-keys`. */
  keys?: readonly string[]
}

const mergeBy = (key: string): ListStrategy => ({ patch: ['merge'], mergeKey: key })
/** Merged by one key, and a list map of that key: what most keyed lists are. */
const mapBy = (key: string): ListStrategy => ({ ...mergeBy(key), list: 'map', keys: [key] })
const mapOf = (...keys: string[]): ListStrategy => ({ list: 'map', keys })
const set: ListStrategy = { list: 'set' }
const mergedSet: ListStrategy = { patch: ['merge'], list: 'set' }
const conditions = mapBy('type')

const containerFields = (model: string): Record<string, ListStrategy> => ({
  [`${model}.env`]: mapBy('name'),
  [`${model}.ports`]: { ...mergeBy('containerPort'), ...mapOf('containerPort', 'protocol') },
  [`${model}.volumeDevices`]: mapBy('devicePath'),
  [`${model}.volumeMounts`]: mapBy('mountPath'),
})

const STRATEGIES: Readonly<Record<string, ListStrategy>> = {
  'ObjectMeta.finalizers': mergedSet,
  'ObjectMeta.ownerReferences': mapBy('uid'),

  ...containerFields('Container'),
  ...containerFields('EphemeralContainer'),
  'PodSpec.containers': mapBy('name'),
  'PodSpec.initContainers': mapBy('name'),
  'PodSpec.ephemeralContainers': mapBy('name'),
  'PodSpec.hostAliases': mapBy('ip'),
  'PodSpec.imagePullSecrets': mapBy('name'),
  'PodSpec.resourceClaims': { ...mapBy('name'), patch: ['merge', 'retainKeys'] },
  'PodSpec.schedulingGates': mapBy('name'),
  'PodSpec.topologySpreadConstraints': { ...mergeBy('topologyKey'), ...mapOf('topologyKey', 'whenUnsatisfiable') },
  'PodSpec.volumes': { ...mapBy('name'), patch: ['merge', 'retainKeys'] },
  'PodStatus.conditions': conditions,
  'PodStatus.hostIPs': mergeBy('ip'),
  'PodStatus.podIPs': mapBy('ip'),
  'PodStatus.resourceClaimStatuses': { ...mapBy('name'), patch: ['merge', 'retainKeys'] },
  'ContainerStatus.allocatedResourcesStatus': mapBy('name'),
  'ContainerStatus.volumeMounts': mapBy('mountPath'),
  'ResourceRequirements.claims': mapOf('name'),
  'ResourceStatus.resources': mapOf('resourceID'),
  'ServiceAccount.secrets': mapBy('name'),
  'ServiceSpec.ports': { ...mergeBy('port'), ...mapOf('port', 'protocol') },
  'ServiceStatus.conditions': conditions,
  'ReplicationControllerStatus.conditions': conditions,
  'NodeSpec.podCIDRs': mergedSet,
  'NodeStatus.addresses': mapBy('type'),
  'NodeStatus.conditions': conditions,
  'NamespaceStatus.conditions': conditions,
  'ComponentStatus.conditions': conditions,
  'PersistentVolumeClaimStatus.conditions': conditions,

  'DeploymentSpec.strategy': { patch: ['retainKeys'] },
  'DeploymentStatus.conditions': conditions,
  'DaemonSetStatus.conditions': conditions,
  'ReplicaSetStatus.conditions': conditions,
  'StatefulSetStatus.conditions': conditions,

  'JobStatus.conditions': mergeBy('type'),
  'PodFailurePolicyOnExitCodesRequirement.values': set,
  'UncountedTerminatedPods.failed': set,
  'UncountedTerminatedPods.succeeded': set,
  'HorizontalPodAutoscalerStatus.conditions': conditions,
  'PodDisruptionBudgetSpec.selector': { patch: ['replace'] },
  'PodDisruptionBudgetStatus.conditions': conditions,

  'MutatingWebhookConfiguration.webhooks': mapBy('name'),
  'ValidatingWebhookConfiguration.webhooks': mapBy('name'),
  'MutatingWebhook.matchConditions': mapBy('name'),
  'ValidatingWebhook.matchConditions': mapBy('name'),
  'MutatingAdmissionPolicySpec.matchConditions': mapBy('name'),
  'ValidatingAdmissionPolicySpec.matchConditions': mapBy('name'),
  'ValidatingAdmissionPolicySpec.variables': mapBy('name'),
  'ValidatingAdmissionPolicyStatus.conditions': mapOf('type'),
  'ValidatingAdmissionPolicyBindingSpec.validationActions': set,

  'CustomResourceDefinitionStatus.conditions': mapOf('type'),
  'JSONSchemaProps.x-kubernetes-validations': mapBy('rule'),
  'APIServiceStatus.conditions': conditions,
  'CertificateSigningRequestStatus.conditions': mapOf('type'),
  'PodCertificateRequestStatus.conditions': conditions,

  'Endpoint.addresses': set,
  'V1beta1Endpoint.addresses': set,
  'FlowSchemaStatus.conditions': conditions,
  'PriorityLevelConfigurationStatus.conditions': conditions,
  'NonResourcePolicyRule.nonResourceURLs': set,
  'NonResourcePolicyRule.verbs': set,
  'ResourcePolicyRule.apiGroups': set,
  'ResourcePolicyRule.namespaces': set,
  'ResourcePolicyRule.resources': set,
  'ResourcePolicyRule.verbs': set,
  'ServiceCIDRStatus.conditions': conditions,

  'CSIDriverSpec.volumeLifecycleModes': set,
  'CSINodeSpec.drivers': mapBy('name'),

  'AllocatedDeviceStatus.conditions': mapOf('type'),
  'ResourceClaimStatus.devices': mapOf('driver', 'device', 'pool', 'shareID'),
  'ResourceClaimStatus.reservedFor': mapBy('uid'),
  'StorageVersionStatus.conditions': mapOf('type'),
  'StorageVersionStatus.storageVersions': mapOf('apiServerID'),
  'StorageVersionMigrationStatus.conditions': mapBy('type'),
}

/** Structs and maps that have one owner as a whole (`x-kubernetes-map-type: atomic`). */
const ATOMIC_MODELS: ReadonlySet<string> = new Set([
  'ConfigMapKeySelector',
  'FileKeySelector',
  'LabelSelector',
  'LocalObjectReference',
  'MatchResources',
  'NamedRuleWithOperations',
  'NodeSelector',
  'NodeSelectorTerm',
  'ObjectFieldSelector',
  'ObjectReference',
  'OwnerReference',
  'ParamKind',
  'ParamRef',
  'RbacSubject',
  'ResourceFieldSelector',
  'RoleRef',
  'ScopeSelector',
  'ScopedResourceSelectorRequirement',
  'SecretKeySelector',
  'SecretReference',
  'TopologySelectorTerm',
  'TypedLocalObjectReference',
])

const ATOMIC_FIELDS: ReadonlySet<string> = new Set([
  'PodSpec.nodeSelector',
  'ReplicationControllerSpec.selector',
  'Scheduling.nodeSelector',
  'ServiceSpec.selector',
])

/** Keys of list maps that may be left out: what upstream's schema takes them for. */
const KEY_DEFAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ContainerPort: { protocol: 'TCP' },
  ServicePort: { protocol: 'TCP' },
  AllocatedDeviceStatus: { shareID: '' },
}

const QUANTITIES: ReadonlySet<string> = new Set([
  'CSIStorageCapacity.capacity',
  'CSIStorageCapacity.maximumVolumeSize',
  'CapacityRequestPolicy.default',
  'CapacityRequestPolicy.validValues',
  'CapacityRequestPolicyRange.max',
  'CapacityRequestPolicyRange.min',
  'CapacityRequestPolicyRange.step',
  'CapacityRequirements.requests',
  'ContainerStatus.allocatedResources',
  'Counter.value',
  'DeviceCapacity.value',
  'DeviceRequestAllocationResult.consumedCapacity',
  'EmptyDirVolumeSource.sizeLimit',
  'LimitRangeItem.default',
  'LimitRangeItem.defaultRequest',
  'LimitRangeItem.max',
  'LimitRangeItem.maxLimitRequestRatio',
  'LimitRangeItem.min',
  'MetricTarget.averageValue',
  'MetricTarget.value',
  'MetricValueStatus.averageValue',
  'MetricValueStatus.value',
  'NodeAllocatableResourceClaimStatus.resources',
  'NodeAllocatableResourceMapping.allocationMultiplier',
  'NodeStatus.allocatable',
  'NodeStatus.capacity',
  'Overhead.podFixed',
  'PersistentVolumeClaimStatus.allocatedResources',
  'PersistentVolumeClaimStatus.capacity',
  'PersistentVolumeSpec.capacity',
  'PodSpec.overhead',
  'PodStatus.allocatedResources',
  'ResourceFieldSelector.divisor',
  'ResourceQuotaSpec.hard',
  'ResourceQuotaStatus.hard',
  'ResourceQuotaStatus.used',
  'ResourceRequirements.limits',
  'ResourceRequirements.requests',
  'VolumeResourceRequirements.limits',
  'VolumeResourceRequirements.requests',
])

const versionless = (model: string) => model.replace(/^V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])/, '')
const keyOf = (model: string, field: string) => `${versionless(model)}.${field}`

export const listStrategy = (model: string, field: string): ListStrategy | undefined => STRATEGIES[keyOf(model, field)]
export const isAtomicModel = (model: string): boolean => ATOMIC_MODELS.has(versionless(model))
export const isAtomicField = (model: string, field: string): boolean => ATOMIC_FIELDS.has(keyOf(model, field))
export const isQuantityField = (model: string, field: string): boolean => QUANTITIES.has(keyOf(model, field))
export const keyDefaults = (model: string): Readonly<Record<string, string>> => KEY_DEFAULTS[versionless(model)] ?? {}

/** For the test that every name here is one of the generated models. */
export const namedFields = (): string[] => [...Object.keys(STRATEGIES), ...ATOMIC_FIELDS, ...QUANTITIES]
export const namedModels = (): string[] => [...ATOMIC_MODELS, ...Object.keys(KEY_DEFAULTS)]
