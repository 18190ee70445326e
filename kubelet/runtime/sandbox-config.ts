/** Pure: the CRI description of a pod's sandbox. */
import type { Pod, SeccompProfile } from '../../api/generated/types.ts'
import { computeDns, computeKernelHostname, type NodeDns } from '../dns.ts'
import { containersOf, isHostNetwork } from '../pods/pod-spec.ts'
import type { NamespaceOption, PodSandboxConfig, SecurityProfile } from './cri-types.ts'
import { podLabels } from './labels.ts'

export interface SandboxSettings {
  cgroupParent: string
  logDirectory: string
  dns: NodeDns
  attempt: number
}

export function toSandboxConfig(pod: Pod, { cgroupParent, logDirectory, dns, attempt }: SandboxSettings): PodSandboxConfig {
  const { metadata, spec } = pod
  const security = spec.securityContext
  // Without one its root would be the node's: better no pod at all.
  if (spec.hostUsers === false) throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace ?? 'default', uid: metadata.uid, attempt },
    // A pod on the node's network has the node's name.
    hostname: isHostNetwork(pod) ? '' : computeKernelHostname(pod, dns.clusterDomain),
    logDirectory,
    dnsConfig: computeDns(pod, dns),
    portMappings: isHostNetwork(pod) ? [] : toPortMappings(pod),
    labels: { ...metadata.labels, ...podLabels(pod) },
    annotations: { ...metadata.annotations },
    linux: {
      cgroupParent,
      sysctls: Object.fromEntries((security?.sysctls ?? []).map(({ name, value }) => [name, value])),
      securityContext: {
        namespaceOptions: toNamespaces(pod),
        ...(security?.runAsUser === undefined ? {} : { runAsUser: { value: security.runAsUser } }),
        ...(security?.runAsUser === undefined || security.runAsGroup === undefined
          ? {}
          : { runAsGroup: { value: security.runAsGroup } }),
        supplementalGroups: podGroups(pod),
        privileged: containersOf(pod).some(({ securityContext }) => securityContext?.privileged),
        seccomp: toSeccomp(security?.seccompProfile ?? { type: 'RuntimeDefault' }),
      },
    },
  }
}

export const toNamespaces = ({ spec }: Pod): NamespaceOption => ({
  network: spec.hostNetwork ? 'NODE' : 'POD',
  ipc: spec.hostIPC ? 'NODE' : 'POD',
  pid: spec.hostPID ? 'NODE' : spec.shareProcessNamespace ? 'POD' : 'CONTAINER',
})

export const podGroups = ({ spec }: Pod): number[] => {
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {}
  return [...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])]
}

export function toSeccomp(profile: SeccompProfile | undefined): SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' }
  if (profile?.type === 'Localhost')
    return { profileType: 'Localhost', localhostRef: `/var/lib/kubelet/seccomp/${profile.localhostProfile}` }
  return { profileType: 'Unconfined' }
}

const toPortMappings = (pod: Pod): PodSandboxConfig['portMappings'] =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort)
      .map(({ containerPort, hostPort, hostIP, protocol }) => ({
        protocol: (protocol ?? 'TCP') as 'TCP' | 'UDP' | 'SCTP',
        containerPort,
        hostPort: hostPort!,
        hostIp: hostIP ?? '',
      })),
  )
