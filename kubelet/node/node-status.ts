/** Pure: the Node object's labels, status and conditions from what is known of the machine and the runtime. */
import type { ContainerImage, NodeCondition, NodeStatus } from '../../api/generated/types.ts'
import { formatTime } from '../../api/time.ts'
import type { NodePressure } from '../eviction/thresholds.ts'
import type { Amounts } from './reserved.ts'
import type { Image } from '../runtime/cri-types.ts'

export interface MachineFacts {
  architecture: string
  bootId: string
  machineId: string
  systemUuid: string
  kernelVersion: string
  osImage: string
  cpus: number
  memoryBytes: number
  diskBytes: number
  /** Bytes by page size: `2Mi`. */
  hugePages: Readonly<Record<string, number>>
  /** Profiles can be enforced. */
  appArmor: boolean
}

export interface RuntimeFacts {
  /** `containerd://1.6.20` */
  version: string
  problems: readonly { type: string; reason: string; message: string }[]
}

export interface NodeStatusInput {
  nodeName: string
  nodeIps: readonly string[]
  maxPods: number
  port: number
  machine: MachineFacts
  runtime: RuntimeFacts
  images: readonly Image[]
  pressures?: ReadonlySet<NodePressure> | undefined
  reserved: Amounts
  version: string
}

const goArchitecture: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' }
export const toGoArchitecture = (arch: string): string => goArchitecture[arch] ?? arch

const inUnits = (bytes: number): string => (bytes === 0 ? '0' : `${bytes / 1024}Ki`)
const maxImages = 50
const maxNames = 5

function computeCapacity({ cpus, memoryBytes, diskBytes, hugePages }: MachineFacts, maxPods: number): Record<string, string> {
  return {
    cpu: String(cpus),
    'ephemeral-storage': `${Math.floor(diskBytes / 1024)}Ki`,
    ...Object.fromEntries(
      Object.entries({ '1Gi': 0, '2Mi': 0, ...hugePages }).map(([size, bytes]) => [`hugepages-${size}`, inUnits(bytes)]),
    ),
    memory: `${Math.floor(memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  }
}

/** Pages that are set aside are no memory that could be used otherwise. */
export function computeAllocatable(machine: MachineFacts, maxPods: number, reserved: Amounts): Record<string, string> {
  const huge = Object.values(machine.hugePages).reduce((total, bytes) => total + bytes, 0)
  const left = (total: number, resource: string) => Math.max(0, total - (reserved[resource] ?? 0))
  const cpu = left(machine.cpus * 1000, 'cpu')
  return {
    ...computeCapacity(machine, maxPods),
    cpu: cpu % 1000 === 0 ? String(cpu / 1000) : `${cpu}m`,
    memory: `${Math.floor(Math.max(0, left(machine.memoryBytes, 'memory') - huge) / 1024)}Ki`,
    'ephemeral-storage': String(left(machine.diskBytes, 'ephemeral-storage')),
  }
}

/** What others advertise on the node (`example.com/gpu` in its capacity): all of it may be given to pods. */
const extendedResources = (resources: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(resources ?? {}).filter(([name]) => name.includes('/')))

export function computeNodeLabels(nodeName: string, architecture: string): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
  }
}

export function computeNodeStatus(input: NodeStatusInput, before: NodeStatus | undefined, now: Date): NodeStatus {
  const { nodeName, nodeIps, machine, maxPods, port, runtime, version } = input
  const extended = extendedResources(before?.capacity)
  return {
    addresses: [...nodeIps.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }],
    capacity: { ...extended, ...computeCapacity(machine, maxPods) },
    allocatable: { ...extended, ...computeAllocatable(machine, maxPods, input.reserved) },
    conditions: computeConditions(runtime, input.pressures ?? new Set(), before?.conditions ?? [], formatTime(now)),
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    images: toContainerImages(input.images),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: runtime.version,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: version,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
    },
    features: { supplementalGroupsPolicy: false },
    runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
  }
}

function computeConditions(
  runtime: RuntimeFacts,
  pressures: ReadonlySet<NodePressure>,
  before: readonly NodeCondition[],
  now: string,
): NodeCondition[] {
  const [problem] = runtime.problems
  const pressure = (type: NodePressure, calm: [string, string], low: [string, string]) => {
    const [reason, message] = pressures.has(type) ? low : calm
    return { type, status: pressures.has(type) ? 'True' : 'False', reason, message }
  }
  const conditions = [
    pressure(
      'MemoryPressure',
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    ),
    pressure(
      'DiskPressure',
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    ),
    pressure(
      'PIDPressure',
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    ),
    problem
      ? { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: runtime.problems.map(describe).join(', ') }
      : { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ]
  return conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime }
  })
}

const describe = ({ type, reason, message }: RuntimeFacts['problems'][number]): string =>
  type === 'NetworkReady'
    ? `container runtime network not ready: NetworkReady=false reason:${reason} message:${message}`
    : message || reason

/** The largest first, as the scheduler wants to know of those that cost most to pull. */
const toContainerImages = (images: readonly Image[]): ContainerImage[] =>
  images
    .toSorted((a, b) => b.size - a.size)
    .slice(0, maxImages)
    .map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, maxNames), sizeBytes: size }))
    .filter(({ names }) => names.length > 0)
