/** What upstream's defaulting fills in a pod spec: in place, once on every decode of a pod or of anything with a template. */
import type {
  Container,
  EphemeralContainer,
  LifecycleHandler,
  PodSpec,
  Probe,
  ResourceRequirements,
} from '../../../api/generated/types.ts'
import { canonicalizeQuantity, canonicalizeResourceList } from '../rules/quantities.ts'
import { pullPolicyOf } from './image.ts'
import { setVolumeDefaults } from './volume-defaults.ts'

export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  // `serviceAccount` is the old name of the same field: upstream reads either and writes both.
  spec.serviceAccountName ||= spec.serviceAccount
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  else {
    delete spec.serviceAccountName
    delete spec.serviceAccount
  }
  spec.containers ??= []
  for (const container of spec.containers) setContainerDefaults(container)
  if (spec.initContainers) for (const container of spec.initContainers) setContainerDefaults(container)
  if (spec.ephemeralContainers) for (const container of spec.ephemeralContainers) setContainerDefaults(container)
  if (spec.volumes) for (const volume of spec.volumes) setVolumeDefaults(volume)
  if (spec.overhead) canonicalizeResourceList(spec.overhead)
  if (spec.resources) canonicalizeResources(spec.resources)
}

/** What only pods get, and templates do not: the template's author may still leave these to the pod. */
export function setPodOnlyDefaults(spec: PodSpec): void {
  spec.enableServiceLinks ??= true
  for (const container of spec.containers) {
    requestsFromLimits(container.resources)
    if (spec.hostNetwork) setHostPorts(container)
  }
  for (const container of spec.initContainers ?? []) {
    requestsFromLimits(container.resources)
    if (spec.hostNetwork) setHostPorts(container)
  }
  if (spec.resources?.limits) setPodLevelRequests(spec, spec.resources)
}

function setContainerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  canonicalizeResources(container.resources)
  if (container.ports) for (const port of container.ports) port.protocol ||= 'TCP'
  if (container.livenessProbe) setProbeDefaults(container.livenessProbe)
  if (container.readinessProbe) setProbeDefaults(container.readinessProbe)
  if (container.startupProbe) setProbeDefaults(container.startupProbe)
  if (container.lifecycle?.postStart) setHandlerDefaults(container.lifecycle.postStart)
  if (container.lifecycle?.preStop) setHandlerDefaults(container.lifecycle.preStop)
  if (!container.env) return
  for (const { valueFrom } of container.env) {
    if (!valueFrom) continue
    if (valueFrom.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1'
    if (valueFrom.resourceFieldRef) {
      valueFrom.resourceFieldRef.divisor ??= '0'
      canonicalizeQuantity(valueFrom.resourceFieldRef, 'divisor')
    }
  }
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.grpc) probe.grpc.service ??= ''
  setHandlerDefaults(probe)
}

function setHandlerDefaults({ httpGet }: LifecycleHandler): void {
  if (!httpGet) return
  httpGet.path ||= '/'
  httpGet.scheme ||= 'HTTP'
}

function canonicalizeResources(resources: ResourceRequirements): void {
  canonicalizeResourceList(resources.limits)
  canonicalizeResourceList(resources.requests)
}

function requestsFromLimits(resources: ResourceRequirements | undefined): void {
  if (!resources?.limits) return
  const requests = (resources.requests ??= {})
  for (const name in resources.limits) requests[name] ??= resources.limits[name]!
}

function setHostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
}

/** Pod-level requests default to the pod's limits where no container asks for that resource itself. */
function setPodLevelRequests(spec: PodSpec, resources: ResourceRequirements): void {
  const requests = (resources.requests ??= {})
  for (const name in resources.limits) {
    const asked = [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.requests?.[name])
    if (!asked) requests[name] ??= resources.limits[name]!
  }
}
