/** A node: its state, what it has, and what its pods ask of it. */
import type { Lease, Node, Pod } from '../../api/generated/types.ts'
import { ageOf } from '../../api/duration.ts'
import { isNotFound } from '../../api/status.ts'
import { addResourceLists, quantityMilliValue, quantityValue } from '../../api/quantity.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'

interface Related {
  pods: Pod[]
  lease: Lease | undefined
}

export const nodeDescriber: Describer<Node, Related> = {
  kind: 'Node',
  group: '',
  read: async ({ client }, { metadata: { name } }) => {
    const [{ items }, lease] = await Promise.all([
      client.list('Pod', { fieldSelector: `spec.nodeName=${name}` }),
      client.get('Lease', { namespace: 'kube-node-lease', name }).catch(ignoreNotFound),
    ])
    return { pods: items.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'), lease }
  },
  describe(node, { pods, lease }, events, now) {
    const { metadata, spec, status = {} } = node
    const page = new Page()
    const roles = Object.keys(metadata.labels ?? {})
      .filter((key) => key.startsWith('node-role.kubernetes.io/'))
      .map((key) => key.split('/')[1])
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Roles:', roles.join(',') || '<none>')
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'CreationTimestamp:', formatDate(metadata.creationTimestamp))
    page.list(
      0,
      'Taints',
      (spec.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
    )
    page.line(0, 'Unschedulable:', spec.unschedulable ?? false)
    describeLease(page, lease)
    if (status.conditions?.length) {
      page.line(0, 'Conditions:')
      page.line(1, 'Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message')
      page.line(1, '----', '------', '-----------------', '------------------', '------', '-------')
      for (const { type, status: value, lastHeartbeatTime, lastTransitionTime, reason, message } of status.conditions) {
        const cells = [type, value, formatDate(lastHeartbeatTime), formatDate(lastTransitionTime), reason]
        page.line(1, ...cells.map((cell) => `${cell ?? ''} `), message)
      }
    }
    page.line(0, 'Addresses:')
    for (const { type, address } of status.addresses ?? []) page.line(1, `${type}:`, address)
    for (const [title, list] of [
      ['Capacity', status.capacity],
      ['Allocatable', status.allocatable],
    ] as const) {
      page.line(0, `${title}:`)
      for (const name of Object.keys(list ?? {}).toSorted()) page.line(1, `${name}:`, list![name])
    }
    describeSystem(page, node)
    if (spec.podCIDR) page.line(0, 'PodCIDR:', spec.podCIDR).line(0, 'PodCIDRs:', (spec.podCIDRs ?? []).join(','))
    describePods(page, pods, status.allocatable ?? {}, now)
    return describeEvents(page, events, now).toString()
  },
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error
}

function describeLease(page: Page, lease: Lease | undefined): void {
  page.line(0, 'Lease:')
  if (!lease) {
    page.line(1, 'HolderIdentity:', '<unset>')
    return
  }
  page.line(1, 'HolderIdentity:', lease.spec.holderIdentity ?? '<unset>')
  page.line(1, 'AcquireTime:', formatDate(lease.spec.acquireTime))
  page.line(1, 'RenewTime:', formatDate(lease.spec.renewTime))
}

function describeSystem(page: Page, { status }: Node): void {
  const info = status?.nodeInfo
  if (!info) return
  page.line(0, 'System Info:')
  page.line(1, 'Machine ID:', info.machineID)
  page.line(1, 'System UUID:', info.systemUUID)
  page.line(1, 'Boot ID:', info.bootID)
  page.line(1, 'Kernel Version:', info.kernelVersion)
  page.line(1, 'OS Image:', info.osImage)
  page.line(1, 'Operating System:', info.operatingSystem)
  page.line(1, 'Architecture:', info.architecture)
  page.line(1, 'Container Runtime Version:', info.containerRuntimeVersion)
  page.line(1, 'Kubelet Version:', info.kubeletVersion)
  page.line(1, 'Kube-Proxy Version:', info.kubeProxyVersion ?? '')
}

type Resources = Readonly<Record<string, string>>

const sumOf = (pods: readonly Pod[], what: 'requests' | 'limits'): Record<string, string> =>
  addResourceLists(...pods.flatMap(({ spec }) => spec.containers.map(({ resources }) => resources?.[what])))

function describePods(page: Page, pods: readonly Pod[], allocatable: Resources, now: Date): void {
  page.line(0, 'Non-terminated Pods:', `(${pods.length} in total)`)
  page.line(1, 'Namespace', 'Name', '', 'CPU Requests', 'CPU Limits', 'Memory Requests', 'Memory Limits', 'Age')
  page.line(1, '---------', '----', '', '------------', '----------', '---------------', '-------------', '---')
  for (const pod of pods) {
    const [requests, limits] = [sumOf([pod], 'requests'), sumOf([pod], 'limits')]
    const cells = (['cpu', 'memory'] as const).flatMap((name) => [
      shareText(requests, allocatable, name),
      shareText(limits, allocatable, name),
    ])
    page.line(1, pod.metadata.namespace, pod.metadata.name, '', ...cells, ageOf(pod.metadata.creationTimestamp, now))
  }
  const [requests, limits] = [sumOf(pods, 'requests'), sumOf(pods, 'limits')]
  page.line(0, 'Allocated resources:')
  page.line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)')
  page.line(1, 'Resource', 'Requests', 'Limits').line(1, '--------', '--------', '------')
  const hugePages = Object.keys(allocatable)
    .filter((name) => name.startsWith('hugepages-'))
    .toSorted()
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...hugePages]) {
    page.line(1, name, shareText(requests, allocatable, name), shareText(limits, allocatable, name))
  }
}

/** `100m (5%)` */
function shareText(list: Resources, allocatable: Resources, name: string): string {
  const amount = list[name] ?? '0'
  const value = name === 'cpu' ? quantityMilliValue : quantityValue
  const whole = value(allocatable[name] ?? '0')
  const percent = whole === 0 ? 0 : Math.trunc((value(amount) / whole) * 100)
  return `${amount} (${percent}%)`
}
