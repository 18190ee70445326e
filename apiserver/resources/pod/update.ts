/** What may change in a pod once it is there: on the pod itself, and on its subresources ephemeralcontainers and resize. */
import { forbidden, invalid, required } from '../../../api/field-error.ts'
import type { Container, Pod, PodIP, PodSpec, Toleration } from '../../../api/generated/types.ts'
import { inclusiveRangeMessage, ipFamily, isDNS1123Subdomain, isValidIP } from '../../../api/names.ts'
import { check, type Errors } from '../rules/field-rules.ts'
import { computeQosClass } from './qos.ts'
import { sameJson } from '../rules/same-json.ts'

const MAX_INT32 = 2 ** 31 - 1

const MAY_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

export function validatePodUpdate(pod: Pod, old: Pod): Errors {
  const errors: Errors = []
  // Most updates leave the spec alone; then there is nothing more to look at.
  if (sameJson(pod.spec, old.spec)) return errors
  if (!sameContainers(errors, 'spec.containers', pod.spec.containers, old.spec.containers)) return errors
  if (!sameContainers(errors, 'spec.initContainers', pod.spec.initContainers ?? [], old.spec.initContainers ?? [])) return errors
  if (!validateDeadline(errors, pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds)) return errors

  const munged: PodSpec = {
    ...pod.spec,
    activeDeadlineSeconds: old.spec.activeDeadlineSeconds,
    tolerations: old.spec.tolerations,
  }
  munged.containers = withImagesOf(munged.containers, old.spec.containers)
  if (munged.initContainers) munged.initContainers = withImagesOf(munged.initContainers, old.spec.initContainers ?? [])
  if (pod.spec.tolerations !== old.spec.tolerations)
    validateAddedTolerations(errors, pod.spec.tolerations ?? [], old.spec.tolerations ?? [])
  if (old.spec.terminationGracePeriodSeconds! < 0 && munged.terminationGracePeriodSeconds === 1) {
    munged.terminationGracePeriodSeconds = old.spec.terminationGracePeriodSeconds
  }
  // While it waits at a scheduling gate, a pod may be told more precisely where it can go, and gates may be taken away.
  if (old.spec.schedulingGates?.length) allowGatedChanges(errors, munged, pod.spec, old.spec)
  if (!sameJson(munged, old.spec)) errors.push(forbidden('spec', `${MAY_CHANGE}\n${describeDifference(munged, old.spec)}`))
  return errors
}

function sameContainers(errors: Errors, path: string, containers: readonly Container[], old: readonly Container[]): boolean {
  if (containers.length === old.length) {
    containers.forEach(({ image }, i) => {
      if (!image) errors.push(required(`${path}[${i}].image`))
    })
    return true
  }
  errors.push(forbidden(path, 'pod updates may not add or remove containers'))
  return false
}

/** From nothing to a positive value, or from one to a lesser one. */
function validateDeadline(errors: Errors, deadline: number | undefined, old: number | undefined): boolean {
  const path = 'spec.activeDeadlineSeconds'
  if (deadline === undefined) {
    if (old !== undefined) errors.push(invalid(path, undefined, 'must not update from a positive integer to nil value'))
    return true
  }
  if (deadline < 0 || deadline > MAX_INT32) {
    errors.push(invalid(path, deadline, inclusiveRangeMessage(0, MAX_INT32)))
    return false
  }
  if (old !== undefined && old < deadline) {
    errors.push(invalid(path, deadline, 'must be less than or equal to previous value'))
    return false
  }
  return true
}

const withImagesOf = (containers: readonly Container[], old: readonly Container[]): Container[] =>
  containers.map((container, i) => ({ ...container, image: old[i]?.image }))

const withoutSeconds = (toleration: Toleration): Toleration => ({ ...toleration, tolerationSeconds: undefined })

function validateAddedTolerations(errors: Errors, tolerations: readonly Toleration[], old: readonly Toleration[]): void {
  if (!old.every((one) => tolerations.some((other) => sameJson(withoutSeconds(one), withoutSeconds(other))))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
  }
}

function allowGatedChanges(errors: Errors, munged: PodSpec, spec: PodSpec, old: PodSpec): void {
  const oldGates = new Set(old.schedulingGates?.map(({ name }) => name))
  const added = spec.schedulingGates?.filter(({ name }) => !oldGates.has(name)) ?? []
  if (added.length > 0) {
    const names = added.map(({ name }) => JSON.stringify(name)).join(', ')
    errors.push(forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate(s) ${names}`))
  }
  munged.schedulingGates = old.schedulingGates
  const selectorGrew = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value)
  if (!selectorGrew)
    errors.push(
      invalid(
        'spec.nodeSelector',
        spec.nodeSelector ?? null,
        'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ),
    )
  munged.nodeSelector = old.nodeSelector
  // Node affinity may only be narrowed: terms may gain requirements, and one may be set where there was none.
  munged.affinity = spec.affinity && { ...spec.affinity, nodeAffinity: old.affinity?.nodeAffinity }
  if (!old.affinity && spec.affinity && Object.keys(spec.affinity).every((member) => member === 'nodeAffinity'))
    delete munged.affinity
  const oldTerms = old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!oldTerms) return
  const narrowed =
    terms?.length === oldTerms.length &&
    oldTerms.every(({ matchExpressions = [] }, i) =>
      matchExpressions.every((requirement) => terms[i]?.matchExpressions?.some((other) => sameJson(other, requirement))),
    )
  if (!narrowed) {
    const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
    errors.push(invalid(path, terms ?? null, 'only additions are allowed (no mutations or deletions)'))
  }
}

/** Names what differs, member by member: upstream prints a Go diff here. */
function describeDifference(spec: PodSpec, old: PodSpec): string {
  const lines: string[] = []
  for (const member of Object.keys({ ...old, ...spec }) as (keyof PodSpec)[]) {
    if (sameJson(spec[member], old[member])) continue
    lines.push(`- ${member}: ${JSON.stringify(old[member] ?? null)}`, `+ ${member}: ${JSON.stringify(spec[member] ?? null)}`)
  }
  return lines.join('\n')
}

/** For PUT and PATCH on /status. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): Errors {
  const errors: Errors = []
  const { status = {} } = pod
  if (pod.spec.nodeName !== old.spec.nodeName) errors.push(forbidden('status.nodeName', 'may not be changed directly'))
  if (status.nominatedNodeName) {
    check(errors, 'status.nominatedNodeName', status.nominatedNodeName, isDNS1123Subdomain(status.nominatedNodeName))
  }
  if (pod.spec.restartPolicy !== 'Always') validateTransitions(errors, pod, old)
  validatePodIPs(errors, status.podIPs ?? [])
  return errors
}

function validatePodIPs(errors: Errors, podIPs: readonly PodIP[]): void {
  podIPs.forEach(({ ip }, i) => check(errors, `status.podIPs[${i}]`, ip, isValidIP(ip)))
  if (podIPs.length > new Set(podIPs.map(({ ip }) => ipFamily(ip))).size)
    errors.push(invalid('status.podIPs', podIPs, 'may specify no more than one IP for each IP family'))
}

/** A container that ended for good does not come back. */
function validateTransitions(errors: Errors, pod: Pod, old: Pod): void {
  const policy = pod.spec.restartPolicy
  old.status?.containerStatuses?.forEach(({ name, state }, i) => {
    const { terminated } = state ?? {}
    if (!terminated || (policy === 'OnFailure' && terminated.exitCode !== 0)) return
    const rules = pod.spec.containers.find((container) => container.name === name)
    if (rules?.restartPolicy || rules?.restartPolicyRules) return
    const now = pod.status?.containerStatuses?.find((status) => status.name === name)
    if (now && !now.state?.terminated)
      errors.push(forbidden(`status.containerStatuses[${i}].state`, 'may not be transitioned to non-terminated state'))
  })
}

/** For PUT and PATCH on /ephemeralcontainers: containers may be added there, and nothing else. */
export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): Errors {
  const errors: Errors = []
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = pod.spec.ephemeralContainers?.find(({ name }) => name === before.name)
    const path = 'spec.ephemeralContainers'
    if (!after) errors.push(forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`))
    else if (!sameJson(before, after)) {
      errors.push(forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`))
    }
  }
  return errors
}

const withOldResources = (containers: readonly Container[], before: readonly Container[]): Container[] =>
  containers.map((container, i) => ({ ...container, resources: before[i]?.resources, resizePolicy: before[i]?.resizePolicy }))

/** For PUT and PATCH on /resize: cpu and memory of containers may change, and the QoS class stays. */
export function validatePodResize(pod: Pod, old: Pod): Errors {
  const errors: Errors = []
  if (computeQosClass(pod.spec) !== (old.status?.qosClass ?? computeQosClass(old.spec))) {
    errors.push(invalid('spec', computeQosClass(pod.spec), 'Pod QOS Class may not change as a result of resizing'))
  }
  const munged = {
    ...pod.spec,
    containers: withOldResources(pod.spec.containers, old.spec.containers),
    resources: old.spec.resources,
  }
  if (munged.initContainers) munged.initContainers = withOldResources(munged.initContainers, old.spec.initContainers ?? [])
  if (!sameJson(munged, old.spec)) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'))
  return errors
}
