/** Pod. */
import { forbidden } from '../../api/field-error.ts'
import type { Pod, PodCondition } from '../../api/generated/types.ts'
import { invalid } from '../../api/status.ts'
import { copyMember } from './define-resource.ts'
import type { Errors } from './rules/field-rules.ts'
import { podColumns } from './pod/columns.ts'
import { computeQosClass } from './pod/qos.ts'
import { setPodOnlyDefaults, setPodSpecDefaults } from './pod-spec/defaults.ts'
import { validatePodSpec } from './pod-spec/validate.ts'
import { validateEphemeralContainersUpdate, validatePodResize, validatePodStatusUpdate, validatePodUpdate } from './pod/update.ts'
import { podWarnings } from './warnings/pod-warnings.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

export const pod: ResourceBehaviour<Pod> = {
  setDefaults: ({ spec, status }) => {
    setPodSpecDefaults(spec)
    setPodOnlyDefaults(spec)
    if (!status) return
    // One address under two names: writers may know only one of them.
    if (status.podIPs?.length) status.podIP = status.podIPs[0]!.ip
    else if (status.podIP) status.podIPs = [{ ip: status.podIP }]
  },
  newStatus: ({ spec }) => ({
    phase: 'Pending',
    qosClass: computeQosClass(spec),
    // A gated pod says so from its first version on.
    ...(spec.schedulingGates?.length && { conditions: [GATED] }),
  }),
  prepareForUpdate: (pod, old) => {
    if (old.spec.schedulingGates?.length && !pod.spec.schedulingGates?.length) dropGatedCondition(pod)
  },
  prepareForCreate: ({ spec, metadata }) => {
    // Admission may have named the account since the defaults were set.
    if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
    if (!spec.ephemeralContainers?.length) return
    throw invalid('', 'Pod', metadata.name, [forbidden('spec.ephemeralContainers', 'cannot be set on create')])
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    validatePodSpec(errors, 'spec', spec)
    if (!spec.serviceAccountName) forbidTokenVolumes(errors, spec)
    return errors
  },
  validateUpdate: validatePodUpdate,
  prepareForStatusUpdate: (pod, old) => {
    pod.spec = old.spec
    // Kubelets before v1.6 sent owner references back broken; upstream never takes them from here since.
    copyMember('ownerReferences', old.metadata, pod.metadata)
    copyMember('deletionTimestamp', old.metadata, pod.metadata)
    copyMember('deletionGracePeriodSeconds', old.metadata, pod.metadata)
    copyMember('finalizers', old.metadata, pod.metadata)
    // Set once for all when the pod was made.
    if (pod.status && !pod.status.qosClass) pod.status.qosClass = old.status?.qosClass
  },
  validateStatusUpdate: validatePodStatusUpdate,
  validateSubresource: { ephemeralcontainers: validateEphemeralContainersUpdate, resize: validatePodResize },
  generationChanges: (pod, old) => !sameJson(pod.spec, old.spec),
  warnings: podWarnings,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  indexedFields: ['spec.nodeName'],
  hasStatus: true,
  gracePeriodSeconds: (pod, requested) => {
    const grace = requested ?? pod.spec.terminationGracePeriodSeconds ?? 30
    // Nobody has to be waited for when no kubelet has the pod, or when it is over.
    if (!pod.spec.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0
    return grace < 0 ? 1 : grace
  },
}

/** A token is that of an account. */
function forbidTokenVolumes(errors: Errors, { volumes }: Pod['spec']): void {
  volumes?.forEach(({ projected }, i) => {
    projected?.sources?.forEach(({ serviceAccountToken }, j) => {
      if (!serviceAccountToken) return
      const path = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`
      errors.push(forbidden(path, 'must not be specified when serviceAccountName is not set'))
    })
  })
}

const GATED: PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

function dropGatedCondition(pod: Pod): void {
  const conditions = pod.status?.conditions?.filter(({ type, reason }) => type !== 'PodScheduled' || reason !== 'SchedulingGated')
  if (conditions) pod.status = { ...pod.status, conditions }
}
