/** Containers and where they may run: what pods and the templates of workloads are described by. */
import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  ObjectMeta,
  PodSpec,
  PodTemplateSpec,
  Probe,
  SeccompProfile,
} from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import { formatDate, formatBoolean, Page } from './page.ts'
import { describeVolumes } from './volumes.ts'

/** The `Pod Template` part of a workload. */
export function describePodTemplate(template: PodTemplateSpec | undefined, page = new Page()): Page {
  page.line(0, 'Pod Template:')
  if (!template) return page.line(1, '<unset>')
  page.pairs(1, 'Labels', template.metadata?.labels)
  if (Object.keys(template.metadata?.annotations ?? {}).length > 0) page.annotations(1, template.metadata?.annotations)
  const { spec } = template
  if (!spec) return page
  if (spec.serviceAccountName) page.line(1, 'Service Account:', spec.serviceAccountName)
  if (spec.initContainers?.length) describeContainers(page, 1, 'Init Containers', spec.initContainers, undefined)
  describeContainers(page, 1, 'Containers', spec.containers, undefined)
  describeVolumes(page, 1, spec.volumes)
  describeSpread(page, 1, spec)
  if (spec.priorityClassName) page.line(1, 'Priority Class Name:', spec.priorityClassName)
  return describeScheduling(page, 1, spec)
}

export function describeSpread(page: Page, level: number, { topologySpreadConstraints = [] }: PodSpec): void {
  if (topologySpreadConstraints.length === 0) return
  const constraints = topologySpreadConstraints.map(
    ({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) =>
      `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${labelSelector ? ` for selector ${formatLabelSelector(labelSelector)}` : ''}`,
  )
  page.list(level, 'Topology Spread Constraints', constraints)
}

export function describeScheduling(page: Page, level: number, spec: PodSpec): Page {
  page.pairs(level, 'Node-Selectors', spec.nodeSelector)
  const byKey = (spec.tolerations ?? []).toSorted((a, b) =>
    (a.key ?? '') < (b.key ?? '') ? -1 : (a.key ?? '') > (b.key ?? '') ? 1 : 0,
  )
  const tolerations = byKey.map(({ key = '', operator, value, effect, tolerationSeconds }) =>
    [
      `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`,
      operator === 'Exists' && !value ? 'op=Exists' : '',
      tolerationSeconds === undefined ? '' : `for ${tolerationSeconds}s`,
    ]
      .filter(Boolean)
      .join(' '),
  )
  return page.list(level, 'Tolerations', tolerations)
}

export function describeContainers(
  page: Page,
  level: number,
  title: string,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[] | undefined,
  /** Of a pod that is there: what its variables say of it is shown. */
  pod?: ObjectMeta,
): void {
  page.line(level, `${title}:`)
  for (const container of containers) {
    const status = statuses?.find(({ name }) => name === container.name)
    // kubectl sets the names of a template's containers in by one, and their members not at all.
    page.line(1, `${level > 0 ? ' ' : ''}${container.name}:`)
    describeContainer(page, 2, container, status, pod)
  }
}

function describeContainer(
  page: Page,
  level: number,
  container: Container,
  status: ContainerStatus | undefined,
  pod: ObjectMeta | undefined,
): void {
  if (status) page.line(level, 'Container ID:', status.containerID ?? '')
  page.line(level, 'Image:', container.image)
  if (status) page.line(level, 'Image ID:', status.imageID)
  const ports = container.ports ?? []
  page.line(
    level,
    ports.length > 1 ? 'Ports:' : 'Port:',
    ports.map(({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol}`).join(', ') || '<none>',
  )
  page.line(
    level,
    ports.length > 1 ? 'Host Ports:' : 'Host Port:',
    ports.map(({ hostPort = 0, protocol = 'TCP' }) => `${hostPort}/${protocol}`).join(', ') || '<none>',
  )
  describeSeccomp(page, level, container.securityContext?.seccompProfile, level + 1)
  for (const [title, words] of [
    ['Command', container.command],
    ['Args', container.args],
  ] as const) {
    if (!words?.length) continue
    page.line(level, `${title}:`)
    for (const word of words) for (const line of word.split('\n')) page.line(level + 1, line)
  }
  if (status) describeStatus(page, level, status)
  describeResources(page, level, container)
  for (const [title, probe] of [
    ['Liveness', container.livenessProbe],
    ['Readiness', container.readinessProbe],
    ['Startup', container.startupProbe],
  ] as const) {
    if (probe) page.line(level, `${title}:`, probeText(probe))
  }
  describeEnvironment(page, level, container, pod)
  const mounts = container.volumeMounts ?? []
  if (mounts.length === 0) page.line(level, 'Mounts:', '<none>')
  else page.line(level, 'Mounts:')
  for (const { mountPath, name, readOnly, subPath } of mounts.toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
    const flags = [readOnly ? 'ro' : 'rw', ...(subPath ? [`path=${JSON.stringify(subPath)}`] : [])]
    page.line(level + 1, `${mountPath} from ${name} (${flags.join(',')})`)
  }
  const devices = container.volumeDevices ?? []
  if (devices.length > 0) page.line(level, 'Devices:')
  for (const { devicePath, name } of devices.toSorted((a, b) => (a.devicePath < b.devicePath ? -1 : 1)))
    page.line(level + 1, `${devicePath} from ${name}`)
}

export function describeSeccomp(page: Page, level: number, profile: SeccompProfile | undefined, pathLevel = level): void {
  if (!profile) return
  page.line(level, 'SeccompProfile:', profile.type)
  if (profile.type === 'Localhost') page.line(pathLevel, 'LocalhostProfile:', profile.localhostProfile)
}

function describeStatus(page: Page, level: number, { state, lastState, ready, restartCount }: ContainerStatus): void {
  describeState(page, level, 'State', state)
  if (lastState?.terminated) describeState(page, level, 'Last State', lastState)
  page.line(level, 'Ready:', formatBoolean(ready))
  page.line(level, 'Restart Count:', restartCount)
}

function describeState(page: Page, level: number, title: string, state: ContainerState | undefined): void {
  if (state?.running) {
    page.line(level, `${title}:`, 'Running')
    page.line(level + 1, 'Started:', formatDate(state.running.startedAt))
  } else if (state?.terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated
    page.line(level, `${title}:`, 'Terminated')
    if (reason) page.line(level + 1, 'Reason:', reason)
    if (message) page.line(level + 1, 'Message:', message)
    page.line(level + 1, 'Exit Code:', exitCode)
    if (signal) page.line(level + 1, 'Signal:', signal)
    page.line(level + 1, 'Started:', formatDate(startedAt))
    page.line(level + 1, 'Finished:', formatDate(finishedAt))
  } else {
    page.line(level, `${title}:`, 'Waiting')
    if (state?.waiting?.reason) page.line(level + 1, 'Reason:', state.waiting.reason)
  }
}

function describeResources(page: Page, level: number, { resources }: Container): void {
  for (const [title, list] of [
    ['Limits', resources?.limits],
    ['Requests', resources?.requests],
  ] as const) {
    if (!list || Object.keys(list).length === 0) continue
    page.line(level, `${title}:`)
    for (const name of Object.keys(list).toSorted()) page.line(level + 1, `${name}:`, list[name])
  }
}

function describeEnvironment(page: Page, level: number, { env = [], envFrom = [] }: Container, pod?: ObjectMeta): void {
  if (envFrom.length > 0) {
    page.line(level, 'Environment Variables from:')
    for (const { configMapRef, secretRef, prefix } of envFrom) {
      const optional = configMapRef?.optional ?? secretRef?.optional ?? false
      const suffix = prefix ? ` with prefix '${prefix}'` : ''
      page.line(
        level + 1,
        configMapRef?.name ?? secretRef?.name,
        `${configMapRef ? 'ConfigMap' : 'Secret'}${suffix}`,
        `Optional: ${optional}`,
      )
    }
  }
  if (env.length === 0) {
    page.line(level, 'Environment:', '<none>')
    return
  }
  page.line(level, 'Environment:')
  for (const variable of env) {
    const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {}
    const reference = secretKeyRef ?? configMapKeyRef
    if (reference) {
      const where = secretKeyRef ? 'in secret' : 'of config map'
      const text = `<set to the key '${reference.key}' ${where} '${reference.name}'>`
      page.line(level + 1, `${variable.name}:`, text, `Optional: ${reference.optional ?? false}`)
      continue
    }
    const [first, ...others] = environmentText(variable, pod).split('\n')
    page.line(level + 1, `${variable.name}:`, first)
    for (const line of others) page.line(level + 1, '', line)
  }
}

function environmentText({ value = '', valueFrom: { fieldRef, resourceFieldRef } = {} }: EnvVar, pod?: ObjectMeta): string {
  if (fieldRef) return `${pod ? fieldOf(pod, fieldRef.fieldPath) : ''} (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`
  return resourceFieldRef ? ` (${resourceFieldRef.resource})` : value
}

/** Of the fields of a pod those alone that it is made with; what it is given later says no more than its path. */
function fieldOf({ name, namespace, uid, labels, annotations }: ObjectMeta, path: string): string {
  const plain: Record<string, string | undefined> = { name, namespace, uid }
  const [, member = '', key] = /^metadata\.(\w+)(?:\['(.+)'\])?$/.exec(path) ?? []
  if (key === undefined) return plain[member] ?? ''
  return (member === 'labels' ? labels : member === 'annotations' ? annotations : undefined)?.[key] ?? ''
}

function probeText(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe
  const numbers = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`
  if (probe.exec) return `exec [${(probe.exec.command ?? []).join(' ')}] ${numbers}`
  if (probe.httpGet) {
    const { scheme = 'HTTP', host = '', port, path = '/' } = probe.httpGet
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path.startsWith('/') ? path : `/${path}`} ${numbers}`
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${probe.tcpSocket.port} ${numbers}`
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''} ${numbers}`
  return `unknown ${numbers}`
}
