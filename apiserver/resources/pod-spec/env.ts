/** The rules of environment variables and of what they may be taken from. */
import { invalid, notSupported, required } from '../../../api/field-error.ts'
import type {
  ConfigMapKeySelector,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../../api/generated/types.ts'
import { isConfigMapKey, isDNS1123Subdomain, isQualifiedName, isRelaxedEnvVarName } from '../../../api/names.ts'
import { check, type Errors } from '../rules/field-rules.ts'

export function validateEnv(errors: Errors, path: string, variables: readonly EnvVar[]): void {
  for (let i = 0; i < variables.length; i++) {
    const variable = variables[i]!
    if (!variable.name) errors.push(required(`${path}[${i}].name`))
    else check(errors, `${path}[${i}].name`, variable.name, isRelaxedEnvVarName(variable.name))
    if (variable.valueFrom) validateValueFrom(errors, `${path}[${i}].valueFrom`, variable.valueFrom, variable.value)
  }
}

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

function validateValueFrom(errors: Errors, path: string, source: EnvVarSource, value: string | undefined): void {
  let sources = 0
  if (source.fieldRef) {
    sources++
    validateFieldRef(errors, `${path}.fieldRef`, source.fieldRef, ENV_FIELDS)
  }
  if (source.resourceFieldRef) {
    sources++
    validateResourceFieldRef(errors, `${path}.resourceFieldRef`, source.resourceFieldRef, false)
  }
  if (source.configMapKeyRef) {
    sources++
    validateKeySelector(errors, `${path}.configMapKeyRef`, source.configMapKeyRef)
  }
  if (source.secretKeyRef) {
    sources++
    validateKeySelector(errors, `${path}.secretKeyRef`, source.secretKeyRef)
  }
  if (source.fileKeyRef) sources++
  if (sources === 0) {
    errors.push(invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'))
  } else if (value) {
    errors.push(invalid(path, '', 'may not be specified when `value` is not empty'))
  } else if (sources > 1) {
    errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  }
}

/** Fields that older clients name otherwise, by today's path. */
const OLD_PATHS: Record<string, string> = { 'spec.host': 'spec.nodeName' }
const PLAIN = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.serviceAccountName',
  'spec.schedulerName',
  'status.phase',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
])

export function validateFieldRef(
  errors: Errors,
  path: string,
  { apiVersion, fieldPath }: ObjectFieldSelector,
  supported: readonly string[],
): void {
  if (!apiVersion) {
    errors.push(required(`${path}.apiVersion`))
    return
  }
  if (!fieldPath) {
    errors.push(required(`${path}.fieldPath`))
    return
  }
  const fails = (why: string) => errors.push(invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`))
  if (apiVersion !== 'v1') {
    fails(`unsupported pod version: ${apiVersion}`)
    return
  }
  const match = /^(.*)\['(.*)'\]$/.exec(fieldPath)
  if (!match) {
    const plain = OLD_PATHS[fieldPath] ?? fieldPath
    if (!PLAIN.has(plain)) fails(`field label not supported: ${fieldPath}`)
    else if (!supported.includes(plain)) errors.push(notSupported(`${path}.fieldPath`, plain, supported))
    return
  }
  const [, base, key = ''] = match
  if (base === 'metadata.annotations') check(errors, path, key, isQualifiedName(key.toLowerCase()))
  else if (base === 'metadata.labels') check(errors, path, key, isQualifiedName(key))
  else fails(`field label does not support subscript: ${fieldPath}`)
}

const RESOURCE_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

export function validateResourceFieldRef(errors: Errors, path: string, selector: ResourceFieldSelector, inVolume: boolean): void {
  const { containerName, resource, divisor = '0' } = selector
  if (inVolume && !containerName) {
    errors.push(required(`${path}.containerName`))
  } else if (!resource) {
    errors.push(required(`${path}.resource`))
  } else if (!RESOURCE_FIELDS.includes(resource) && !/^(requests|limits)\.hugepages-/.test(resource)) {
    errors.push(notSupported(`${path}.resource`, resource, RESOURCE_FIELDS))
  }
  if (divisor === '0') return
  if (resource?.endsWith('.cpu')) {
    if (divisor !== '1m' && divisor !== '1') {
      errors.push(invalid(`${path}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource"))
    }
  } else if (!BYTES.includes(divisor)) {
    const what = resource?.includes('hugepages')
      ? 'hugepages'
      : resource?.endsWith('memory')
        ? 'memory'
        : 'local ephemeral storage'
    errors.push(
      invalid(`${path}.divisor`, resource, `only divisor's values ${BYTES.join(', ')} are supported with the ${what} resource`),
    )
  }
}

function validateKeySelector(errors: Errors, path: string, { name = '', key }: ConfigMapKeySelector): void {
  check(errors, `${path}.name`, name, isDNS1123Subdomain(name))
  if (!key) errors.push(required(`${path}.key`))
  else check(errors, `${path}.key`, key, isConfigMapKey(key))
}

export function validateEnvFrom(errors: Errors, path: string, sources: readonly EnvFromSource[]): void {
  sources.forEach(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`
    if (prefix) check(errors, `${at}.prefix`, prefix, isRelaxedEnvVarName(prefix))
    for (const [member, reference] of [
      ['configMapRef', configMapRef],
      ['secretRef', secretRef],
    ] as const) {
      if (!reference) continue
      if (!reference.name) errors.push(required(`${at}.${member}.name`))
      else check(errors, `${at}.${member}.name`, reference.name, isDNS1123Subdomain(reference.name))
    }
    if (!configMapRef && !secretRef) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (configMapRef && secretRef) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  })
}
