/** The rules of a pod spec, for pods and for templates of pods: each concern in a file of its own. */
import { invalid, required } from '../../../api/field-error.ts'
import type { PodSpec } from '../../../api/generated/types.ts'
import {
  inclusiveRangeMessage,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidIP,
  maskTrailingDash,
} from '../../../api/names.ts'
import { check, checkOneOf, checkUnique, type Errors } from '../rules/field-rules.ts'
import { validateContainerResourceName, validateQuantityValue } from '../rules/quantities.ts'
import { validateContainers } from './containers.ts'
import { validateDns } from './dns.ts'
import { validateResourceRequirements } from './resource-requirements.ts'
import { validateAffinity, validateTolerations, validateTopologySpread } from './scheduling.ts'
import { validatePodSecurityContext } from './security-context.ts'
import { validateVolumes } from './volumes.ts'
import { validateLabels } from '../rules/object-meta.ts'

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const MAX_INT32 = 2 ** 31 - 1

export function validatePodSpec(errors: Errors, path: string, spec: PodSpec): void {
  const volumes = validateVolumes(errors, `${path}.volumes`, spec.volumes)
  validateContainers(errors, path, spec, volumes)
  checkOneOf(errors, `${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES)
  validateDns(errors, path, spec)
  validateLabels(errors, `${path}.nodeSelector`, spec.nodeSelector)
  validatePodSecurityContext(errors, `${path}.securityContext`, spec)
  validateImagePullSecrets(errors, `${path}.imagePullSecrets`, spec)
  if (spec.affinity) validateAffinity(errors, `${path}.affinity`, spec.affinity)
  validateReadinessGates(errors, `${path}.readinessGates`, spec)
  validateSchedulingGates(errors, `${path}.schedulingGates`, spec)
  validateTopologySpread(errors, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints)
  validateNames(errors, path, spec)
  validateTimes(errors, path, spec)
  if (spec.tolerations) validateTolerations(errors, `${path}.tolerations`, spec.tolerations)
  validateHostAliases(errors, `${path}.hostAliases`, spec)
  if (spec.preemptionPolicy) {
    checkOneOf(errors, `${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  }
  if (spec.overhead) validateOverhead(errors, `${path}.overhead`, spec.overhead)
  if (spec.os) checkOneOf(errors, `${path}.os.name`, spec.os.name, ['linux', 'windows'])
  if (spec.resources) validatePodResources(errors, `${path}.resources`, spec)
  validateResourceClaims(errors, `${path}.resourceClaims`, spec)
}

function validateNames(errors: Errors, path: string, spec: PodSpec): void {
  const name = (member: 'serviceAccountName' | 'nodeName' | 'priorityClassName' | 'runtimeClassName') => {
    const value = spec[member]
    if (value) check(errors, `${path}.${member}`, value, isDNS1123Subdomain(value))
  }
  name('serviceAccountName')
  name('nodeName')
  name('priorityClassName')
  name('runtimeClassName')
  if (spec.hostname) check(errors, `${path}.hostname`, spec.hostname, isDNS1123Label(spec.hostname))
  if (spec.subdomain) check(errors, `${path}.subdomain`, spec.subdomain, isDNS1123Label(spec.subdomain))
  if (spec.hostNetwork && spec.hostUsers === false) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: `${path}.hostUsers`,
      message: 'Forbidden: when `hostUsers` is false `hostNetwork` must be false',
    })
  }
}

function validateTimes(
  errors: Errors,
  path: string,
  { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace }: PodSpec,
): void {
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, inclusiveRangeMessage(1, MAX_INT32)))
  }
  // Upstream takes negative values for the sake of old objects and treats them as 1.
  if (grace === undefined) errors.push(required(`${path}.terminationGracePeriodSeconds`))
}

function validateImagePullSecrets(errors: Errors, path: string, { imagePullSecrets }: PodSpec): void {
  imagePullSecrets?.forEach((secret, i) => {
    if (Object.keys(secret).some((member) => member !== 'name'))
      errors.push(invalid(`${path}[${i}]`, secret, 'only name may be set'))
  })
}

function validateReadinessGates(errors: Errors, path: string, { readinessGates }: PodSpec): void {
  readinessGates?.forEach(({ conditionType }, i) => {
    check(errors, `${path}[${i}].conditionType`, conditionType, isQualifiedName(conditionType))
  })
}

function validateSchedulingGates(errors: Errors, path: string, { schedulingGates }: PodSpec): void {
  const seen = new Set<string>()
  schedulingGates?.forEach(({ name }, i) => {
    check(errors, `${path}[${i}]`, name, isQualifiedName(name))
    checkUnique(errors, `${path}[${i}]`, name, seen)
  })
}

function validateHostAliases(errors: Errors, path: string, { hostAliases }: PodSpec): void {
  hostAliases?.forEach(({ ip, hostnames }, i) => {
    check(errors, `${path}[${i}].ip`, ip ?? '', isValidIP(ip ?? ''))
    hostnames?.forEach((hostname) => check(errors, `${path}[${i}].hostnames`, hostname, isDNS1123Subdomain(hostname)))
  })
}

function validateOverhead(errors: Errors, path: string, overhead: Record<string, string>): void {
  for (const name in overhead) {
    validateContainerResourceName(errors, `${path}.limits[${name}]`, name)
    validateQuantityValue(errors, `${path}.limits[${name}]`, name, overhead[name]!)
  }
}

function validatePodResources(errors: Errors, path: string, { resources }: PodSpec): void {
  for (const list of ['limits', 'requests'] as const) {
    for (const name in resources?.[list]) {
      if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) continue
      errors.push({
        reason: 'FieldValueNotSupported',
        field: `${path}.${list}[${name}]`,
        message: `Unsupported value: ${JSON.stringify(name)}: supported values: "cpu", "hugepages-*", "memory"`,
      })
    }
  }
  validateResourceRequirements(errors, path, resources!)
}

function validateResourceClaims(errors: Errors, path: string, { resourceClaims }: PodSpec): void {
  const seen = new Set<string>()
  resourceClaims?.forEach((claim, i) => {
    const at = `${path}[${i}]`
    check(errors, `${at}.name`, claim.name, isDNS1123Label(maskTrailingDash(claim.name)))
    checkUnique(errors, `${at}.name`, claim.name, seen)
    const { resourceClaimName, resourceClaimTemplateName } = claim
    if (resourceClaimName && resourceClaimTemplateName) {
      errors.push(invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    } else if (!resourceClaimName && !resourceClaimTemplateName) {
      errors.push(required(at, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    }
    if (resourceClaimName) check(errors, `${at}.resourceClaimName`, resourceClaimName, isDNS1123Subdomain(resourceClaimName))
    if (resourceClaimTemplateName) {
      check(errors, `${at}.resourceClaimTemplateName`, resourceClaimTemplateName, isDNS1123Subdomain(resourceClaimTemplateName))
    }
  })
}
