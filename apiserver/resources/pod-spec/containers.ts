/** The rules of containers: plain, init (with the sidecars among them) and ephemeral ones. */
import { duplicate, forbidden, invalid, notFoundValue, required } from '../../../api/field-error.ts'
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from '../../../api/generated/types.ts'
import { isDNS1123Label, isValidPortName, isValidPortNumber } from '../../../api/names.ts'
import { check, checkOneOf, type Errors } from '../rules/field-rules.ts'
import { validateEnv, validateEnvFrom } from './env.ts'
import { validateLifecycle, validateProbe } from './probes.ts'
import { validateResourceRequirements } from './resource-requirements.ts'
import { validateSecurityContext } from './security-context.ts'
import { validateVolumeDevices, validateVolumeMounts } from './volume-mounts.ts'

export type Volumes = ReadonlyMap<string, Volume>

export function validateContainers(errors: Errors, path: string, spec: PodSpec, volumes: Volumes): void {
  if (spec.containers.length === 0) errors.push(required(`${path}.containers`))
  const names = new Set<string>()
  spec.containers.forEach((container, i) => {
    const at = `${path}.containers[${i}]`
    validateName(errors, `${at}.name`, container.name, names)
    validateContainer(errors, at, container, spec, volumes)
    if (
      container.restartPolicy &&
      !container.restartPolicyRules &&
      !['Always', 'OnFailure', 'Never'].includes(container.restartPolicy)
    ) {
      checkOneOf(errors, `${at}.restartPolicy`, container.restartPolicy, ['Always', 'OnFailure', 'Never'])
    }
    validateMainProbes(errors, at, container, spec)
  })
  checkHostPorts(errors, `${path}.containers`, spec.containers)
  if (spec.initContainers) validateInitContainers(errors, `${path}.initContainers`, spec.initContainers, spec, volumes, names)
  if (spec.ephemeralContainers) {
    validateEphemeralContainers(errors, `${path}.ephemeralContainers`, spec.ephemeralContainers, spec, volumes, names)
  }
}

function validateName(errors: Errors, path: string, name: string, names: Set<string>): void {
  if (!name) {
    errors.push(required(path))
    return
  }
  check(errors, path, name, isDNS1123Label(name))
  if (names.has(name)) errors.push(duplicate(path, name))
  names.add(name)
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

/** What holds for each of the three kinds. */
function validateContainer(
  errors: Errors,
  path: string,
  container: Container | EphemeralContainer,
  spec: PodSpec,
  volumes: Volumes,
): void {
  const { image = '' } = container
  if (image === '') errors.push(required(`${path}.image`))
  else if (image.trim() !== image) errors.push(invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
  const policy = container.terminationMessagePolicy
  if (policy !== 'File' && policy !== 'FallbackToLogsOnError') {
    const why = "must be 'File' or 'FallbackToLogsOnError'"
    errors.push(
      policy ? invalid(`${path}.terminationMessagePolicy`, policy, why) : required(`${path}.terminationMessagePolicy`, why),
    )
  }
  if (container.ports) validatePorts(errors, `${path}.ports`, container.ports, spec.hostNetwork ?? false)
  if (container.env) validateEnv(errors, `${path}.env`, container.env)
  if (container.envFrom) validateEnvFrom(errors, `${path}.envFrom`, container.envFrom)
  if (container.volumeMounts) validateVolumeMounts(errors, `${path}.volumeMounts`, container, volumes)
  if (container.volumeDevices) validateVolumeDevices(errors, `${path}.volumeDevices`, container, volumes)
  checkOneOf(errors, `${path}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES)
  if (container.resources) {
    validateResourceRequirements(errors, `${path}.resources`, container.resources)
    container.resources.claims?.forEach(({ name }, i) => {
      if (!spec.resourceClaims?.some((claim) => claim.name === name)) {
        errors.push(notFoundValue(`${path}.resources.claims[${i}].name`, name))
      }
    })
  }
  if (container.resizePolicy) validateResizePolicy(errors, `${path}.resizePolicy`, container.resizePolicy, spec)
  if (container.securityContext) validateSecurityContext(errors, `${path}.securityContext`, container.securityContext, spec)
}

function validateMainProbes(errors: Errors, path: string, container: Container, spec: PodSpec): void {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  if (lifecycle) validateLifecycle(errors, `${path}.lifecycle`, lifecycle, spec)
  if (livenessProbe) validateProbe(errors, `${path}.livenessProbe`, livenessProbe, spec)
  if (readinessProbe) {
    validateProbe(errors, `${path}.readinessProbe`, readinessProbe, spec)
    if (readinessProbe.terminationGracePeriodSeconds !== undefined) {
      const at = `${path}.readinessProbe.terminationGracePeriodSeconds`
      errors.push(invalid(at, readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes'))
    }
  }
  if (startupProbe) validateProbe(errors, `${path}.startupProbe`, startupProbe, spec)
  for (const [member, probe] of [
    ['livenessProbe', livenessProbe],
    ['startupProbe', startupProbe],
  ] as const) {
    if (probe && probe.successThreshold !== 1) {
      errors.push(invalid(`${path}.${member}.successThreshold`, probe.successThreshold, 'must be 1'))
    }
  }
}

function validateInitContainers(
  errors: Errors,
  path: string,
  containers: readonly Container[],
  spec: PodSpec,
  volumes: Volumes,
  names: Set<string>,
): void {
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`
    validateName(errors, `${at}.name`, container.name, names)
    validateContainer(errors, at, container, spec, volumes)
    checkHostPorts(errors, path, [container])
    // A restartable init container is a sidecar: it runs on beside the others and may be probed.
    if (container.restartPolicy === 'Always') {
      validateMainProbes(errors, at, container, spec)
      return
    }
    if (container.restartPolicy)
      checkOneOf(errors, `${at}.restartPolicy`, container.restartPolicy, ['Always', 'OnFailure', 'Never'])
    for (const member of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[member]) {
        errors.push(forbidden(`${at}.${member}`, 'may not be set for init containers without restartPolicy=Always'))
      }
    }
  })
}

const EPHEMERAL_FORBIDS = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
] as const

function validateEphemeralContainers(
  errors: Errors,
  path: string,
  containers: readonly EphemeralContainer[],
  spec: PodSpec,
  volumes: Volumes,
  names: Set<string>,
): void {
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`
    validateName(errors, `${at}.name`, container.name, names)
    validateContainer(errors, at, container, spec, volumes)
    const { targetContainerName: target } = container
    if (target && ![...spec.containers, ...(spec.initContainers ?? [])].some(({ name }) => name === target)) {
      errors.push(notFoundValue(`${at}.targetContainerName`, target))
    }
    for (const member of EPHEMERAL_FORBIDS) {
      if (container[member] !== undefined) errors.push(forbidden(`${at}.${member}`, 'cannot be set for an Ephemeral Container'))
    }
    if (Object.keys(container.resources ?? {}).length > 0) {
      errors.push(forbidden(`${at}.resources`, 'cannot be set for an Ephemeral Container'))
    }
    container.volumeMounts?.forEach(({ subPath, subPathExpr }, j) => {
      if (subPath) errors.push(forbidden(`${at}.volumeMounts[${j}].subPath`, 'cannot be set for an Ephemeral Container'))
      if (subPathExpr) errors.push(forbidden(`${at}.volumeMounts[${j}].subPathExpr`, 'cannot be set for an Ephemeral Container'))
    })
  })
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

function validatePorts(errors: Errors, path: string, ports: readonly ContainerPort[], hostNetwork: boolean): void {
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const at = `${path}[${i}]`
    if (port.name) {
      const complaints = isValidPortName(port.name)
      check(errors, `${at}.name`, port.name, complaints)
      if (complaints.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
      names.add(port.name)
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`))
    else check(errors, `${at}.containerPort`, port.containerPort, isValidPortNumber(port.containerPort))
    if (port.hostPort) check(errors, `${at}.hostPort`, port.hostPort, isValidPortNumber(port.hostPort))
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort) {
      errors.push(invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'))
    }
    checkOneOf(errors, `${at}.protocol`, port.protocol, PROTOCOLS)
  })
}

function checkHostPorts(errors: Errors, path: string, containers: readonly Container[]): void {
  let seen: Set<string> | undefined
  containers.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort, hostIP, protocol }, j) => {
      if (!hostPort) return
      const key = `${protocol}/${hostIP ?? ''}/${hostPort}`
      seen ??= new Set()
      if (seen.has(key)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, key))
      seen.add(key)
    })
  })
}

function validateResizePolicy(
  errors: Errors,
  path: string,
  policies: NonNullable<Container['resizePolicy']>,
  spec: PodSpec,
): void {
  const seen = new Set<string>()
  policies.forEach(({ resourceName, restartPolicy }, i) => {
    checkOneOf(errors, `${path}[${i}].resourceName`, resourceName, ['cpu', 'memory'])
    checkOneOf(errors, `${path}[${i}].restartPolicy`, restartPolicy, ['NotRequired', 'RestartContainer'])
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName))
    seen.add(resourceName)
    if (spec.restartPolicy === 'Never' && restartPolicy === 'RestartContainer') {
      errors.push(invalid(`${path}[${i}].restartPolicy`, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    }
  })
}
