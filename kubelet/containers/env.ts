/** Pure: a container's environment from its spec, the objects it names and the services of its namespace. */
import type { ConfigMap, Container, EnvVar, EnvVarSource, Pod, Secret, Service } from '../../api/generated/types.ts'
import { expand } from '../expand.ts'
import { podField, type PodAddresses, resourceField } from '../pods/pod-fields.ts'

export interface EnvSources {
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
  /** Of the pod's namespace, and the `kubernetes` one of `default`. */
  services: readonly Service[]
  addresses: PodAddresses
  allocatable: Record<string, string>
}

/** The container cannot be made until something that it names is there; the message is its status's. */
class EnvError extends Error {
  override name = 'EnvError'
}

const namePattern = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/

export function computeEnv(pod: Pod, container: Container, sources: EnvSources): Map<string, string> {
  const env = new Map<string, string>()
  const services = serviceEnv(pod, sources.services)
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? readAll('configmap', configMapRef, pod, (name) => sources.configMap(name)?.data ?? (sources.configMap(name) && {}))
      : readAll('secret', secretRef!, pod, (name) => decodeSecret(sources.secret(name)))
    for (const [key, value] of Object.entries(data)) if (namePattern.test(prefix + key)) env.set(prefix + key, value)
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? fromSource(pod, container, variable, variable.valueFrom, sources)
      : expand(variable.value ?? '', (name) => env.get(name) ?? services.get(name))
    if (value !== undefined) env.set(variable.name, value)
  }
  // What the spec says wins over a service of the same name.
  for (const [name, value] of services) if (!env.has(name)) env.set(name, value)
  return env
}

function readAll(
  kind: string,
  { name = '', optional }: { name?: string | undefined; optional?: boolean | undefined },
  _pod: Pod,
  read: (name: string) => Record<string, string> | undefined,
): Record<string, string> {
  const data = read(name)
  if (data) return data
  if (optional) return {}
  throw new EnvError(`${kind} "${name}" not found`)
}

const decodeSecret = (secret: Secret | undefined): Record<string, string> | undefined =>
  secret &&
  Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))

function fromSource(
  pod: Pod,
  container: Container,
  { name }: EnvVar,
  source: EnvVarSource,
  sources: EnvSources,
): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source
  const namespace = pod.metadata.namespace ?? ''
  if (fieldRef) {
    const value = podField(pod, fieldRef.fieldPath, sources.addresses)
    if (value === undefined) throw new EnvError(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return value
  }
  if (resourceFieldRef) return resourceField(pod, container, resourceFieldRef, sources.allocatable)
  if (configMapKeyRef) {
    const object = sources.configMap(configMapKeyRef.name ?? '')
    return pickKey('ConfigMap', namespace, configMapKeyRef, object && (object.data ?? {}))
  }
  if (secretKeyRef) return pickKey('Secret', namespace, secretKeyRef, decodeSecret(sources.secret(secretKeyRef.name ?? '')))
  throw new EnvError(`environment variable ${name} has a source that this kubelet does not know`)
}

function pickKey(
  kind: string,
  namespace: string,
  { name = '', key, optional }: { name?: string | undefined; key: string; optional?: boolean | undefined },
  data: Record<string, string> | undefined,
): string | undefined {
  if (!data) {
    if (optional) return undefined
    throw new EnvError(`${kind.toLowerCase()} "${name}" not found`)
  }
  const value = data[key]
  if (value === undefined && !optional) throw new EnvError(`couldn't find key ${key} in ${kind} ${namespace}/${name}`)
  return value
}

/** The variables that Docker's links once gave: `REDIS_SERVICE_HOST`, `REDIS_PORT_6379_TCP_ADDR`, … */
function serviceEnv(pod: Pod, services: readonly Service[]): Map<string, string> {
  const env = new Map<string, string>()
  const links = pod.spec.enableServiceLinks ?? true
  for (const service of services) {
    const { name, namespace } = service.metadata
    const ip = service.spec?.clusterIP
    const isApi = name === 'kubernetes' && namespace === 'default'
    if (!ip || ip === 'None' || (!isApi && (!links || namespace !== pod.metadata.namespace))) continue
    addService(env, name, ip, service.spec?.ports ?? [])
  }
  return env
}

function addService(
  env: Map<string, string>,
  name: string,
  ip: string,
  ports: NonNullable<NonNullable<Service['spec']>['ports']>,
): void {
  const prefix = toEnvName(name)
  const host = ip.includes(':') ? `[${ip}]` : ip
  env.set(`${prefix}_SERVICE_HOST`, ip)
  for (const [index, { name: portName, port, protocol = 'TCP' }] of ports.entries()) {
    const url = `${protocol.toLowerCase()}://${host}:${port}`
    const portPrefix = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    if (index === 0) {
      env.set(`${prefix}_SERVICE_PORT`, String(port))
      env.set(`${prefix}_PORT`, url)
    }
    if (portName) env.set(`${prefix}_SERVICE_PORT_${toEnvName(portName)}`, String(port))
    env.set(portPrefix, url)
    env.set(`${portPrefix}_PROTO`, protocol.toLowerCase())
    env.set(`${portPrefix}_PORT`, String(port))
    env.set(`${portPrefix}_ADDR`, ip)
  }
}

const toEnvName = (name: string): string => name.toUpperCase().replaceAll('-', '_')
