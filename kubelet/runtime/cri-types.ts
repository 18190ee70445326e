/** The CRI messages as the gRPC client gives and takes them: camelCase, enums by name, 64-bit numbers as `number`. */

export interface DnsConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'

export interface NamespaceOption {
  network: NamespaceMode
  pid: NamespaceMode
  ipc: NamespaceMode
  targetId?: string
}

export interface SecurityProfile {
  profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost'
  localhostRef?: string
}

export interface LinuxSandboxSecurityContext {
  namespaceOptions: NamespaceOption
  runAsUser?: { value: number }
  runAsGroup?: { value: number }
  supplementalGroups?: number[]
  privileged?: boolean
  seccomp?: SecurityProfile
}

export interface PodSandboxMetadata {
  name: string
  uid: string
  namespace: string
  attempt: number
}

export interface PodSandboxConfig {
  metadata: PodSandboxMetadata
  hostname: string
  logDirectory: string
  dnsConfig: DnsConfig
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  linux: { cgroupParent: string; securityContext: LinuxSandboxSecurityContext; sysctls: Record<string, string> }
}

export interface PodSandbox {
  id: string
  metadata: PodSandboxMetadata
  state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  /** Nanoseconds since 1970. */
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface PodSandboxStatus {
  id: string
  metadata: PodSandboxMetadata
  state: PodSandbox['state']
  createdAt: number
  network: { ip: string; additionalIps: { ip: string }[] } | null
}

export interface Mount {
  containerPath: string
  hostPath: string
  readonly: boolean
  propagation: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL'
}

export interface LinuxContainerResources {
  cpuPeriod: number
  cpuQuota: number
  cpuShares: number
  memoryLimitInBytes: number
  oomScoreAdj: number
  hugepageLimits?: { pageSize: string; limit: number }[]
}

export interface LinuxContainerSecurityContext {
  capabilities: { addCapabilities: string[]; dropCapabilities: string[] }
  privileged: boolean
  namespaceOptions: NamespaceOption
  runAsUser?: { value: number }
  runAsGroup?: { value: number }
  runAsUsername?: string
  readonlyRootfs: boolean
  supplementalGroups: number[]
  noNewPrivs: boolean
  maskedPaths: string[]
  readonlyPaths: string[]
  seccomp: SecurityProfile
  apparmor?: SecurityProfile
}

export interface ContainerMetadata {
  name: string
  attempt: number
}

export interface ContainerConfig {
  metadata: ContainerMetadata
  image: { image: string }
  command: string[]
  args: string[]
  workingDir: string
  envs: { key: string; value: string }[]
  mounts: Mount[]
  devices: { containerPath: string; hostPath: string; permissions: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  logPath: string
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  linux: { resources: LinuxContainerResources; securityContext: LinuxContainerSecurityContext }
}

export type CriContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'

export interface Container {
  id: string
  podSandboxId: string
  metadata: ContainerMetadata
  image: { image: string } | null
  imageRef: string
  state: CriContainerState
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerStatus {
  id: string
  metadata: ContainerMetadata
  state: CriContainerState
  createdAt: number
  startedAt: number
  finishedAt: number
  exitCode: number
  image: { image: string } | null
  imageRef: string
  reason: string
  message: string
  labels: Record<string, string>
  annotations: Record<string, string>
  logPath: string
}

export interface Image {
  /** `sha256:…` of the image's configuration. */
  id: string
  repoTags: string[]
  repoDigests: string[]
  size: number
  uid: { value: number } | null
  username: string
}

export interface AuthConfig {
  username?: string
  password?: string
  auth?: string
  serverAddress?: string
  identityToken?: string
  registryToken?: string
}

type Counted = { value: number } | null

export interface CpuUsage {
  timestamp: number
  usageCoreNanoSeconds: Counted
}

/** Some runtimes leave all but the working set out. */
export interface MemoryUsage {
  timestamp: number
  workingSetBytes: Counted
  availableBytes: Counted
  usageBytes: Counted
  rssBytes: Counted
  pageFaults: Counted
  majorPageFaults: Counted
}

export interface InterfaceUsage {
  name: string
  rxBytes: Counted
  rxErrors: Counted
  txBytes: Counted
  txErrors: Counted
}

export interface PodSandboxStats {
  attributes: { id: string; labels: Record<string, string> }
  linux: {
    cpu: CpuUsage | null
    memory: MemoryUsage | null
    network: { timestamp: number; defaultInterface: InterfaceUsage | null; interfaces: InterfaceUsage[] } | null
    process: { processCount: Counted } | null
  } | null
}

export interface ContainerStats {
  attributes: { id: string; metadata: ContainerMetadata; labels: Record<string, string> }
  cpu: CpuUsage | null
  memory: MemoryUsage | null
  writableLayer: FilesystemUsage | null
}

export interface FilesystemUsage {
  timestamp: number
  fsId: { mountpoint: string } | null
  usedBytes: { value: number } | null
  inodesUsed: { value: number } | null
}

interface LabelFilter {
  filter?: { id?: string; podSandboxId?: string; labelSelector?: Record<string, string> }
}

interface SandboxRequest {
  podSandboxId: string
}

interface ContainerRequest {
  containerId: string
}

type Empty = Record<string, never>

/** Each call's request and answer, by its name in the protocol. */
export interface CriCalls {
  Version: [Empty, { runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }]
  Status: [Empty, { status: { conditions: { type: string; status: boolean; reason: string; message: string }[] } | null }]
  UpdateRuntimeConfig: [{ runtimeConfig: { networkConfig: { podCidr: string } } }, Empty]
  RunPodSandbox: [{ config: PodSandboxConfig; runtimeHandler: string }, SandboxRequest]
  StopPodSandbox: [SandboxRequest, Empty]
  RemovePodSandbox: [SandboxRequest, Empty]
  PodSandboxStatus: [SandboxRequest, { status: PodSandboxStatus }]
  ListPodSandbox: [LabelFilter, { items: PodSandbox[] }]
  CreateContainer: [{ podSandboxId: string; config: ContainerConfig; sandboxConfig: PodSandboxConfig }, ContainerRequest]
  StartContainer: [ContainerRequest, Empty]
  StopContainer: [ContainerRequest & { timeout: number }, Empty]
  RemoveContainer: [ContainerRequest, Empty]
  ContainerStatus: [ContainerRequest, { status: ContainerStatus }]
  ListContainers: [LabelFilter, { containers: Container[] }]
  UpdateContainerResources: [ContainerRequest & { linux: Partial<LinuxContainerResources> }, Empty]
  ReopenContainerLog: [ContainerRequest, Empty]
  ExecSync: [ContainerRequest & { cmd: string[]; timeout: number }, { stdout: Buffer; stderr: Buffer; exitCode: number }]
  Exec: [ContainerRequest & { cmd: string[]; tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean }, { url: string }]
  Attach: [ContainerRequest & { tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean }, { url: string }]
  PortForward: [SandboxRequest & { port: number[] }, { url: string }]
  PodSandboxStats: [SandboxRequest, { stats: PodSandboxStats | null }]
  ListContainerStats: [{ filter?: { id: string } }, { stats: ContainerStats[] }]
  ListImages: [Empty, { images: Image[] }]
  /** `info` only when it is asked for: what the runtime wants to tell beside the protocol. */
  ImageStatus: [{ image: { image: string }; verbose?: boolean }, { image: Image | null; info?: Record<string, string> }]
  PullImage: [{ image: { image: string }; auth?: AuthConfig; sandboxConfig?: PodSandboxConfig }, { imageRef: string }]
  RemoveImage: [{ image: { image: string } }, Empty]
  ImageFsInfo: [Empty, { imageFilesystems: FilesystemUsage[] }]
}
