/** A pod with everything that plugins ask of it worked out once: requests, ports, terms, node selection. */
import type { Pod, PodAffinityTerm, Toleration } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import { compileNodeSelector, type NodeTest } from './node-selector.ts'
import { compileAffinityTerm, type AffinityTerm } from './pod-terms.ts'
import { computeNonZeroRequests, computePodRequests, type Resources } from './pod-requests.ts'

export interface HostPort {
  ip: string
  protocol: string
  port: number
}

export interface PodInfo {
  readonly pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly priority: number
  readonly requests: Resources
  readonly nonZeroRequests: Resources
  readonly hostPorts: readonly HostPort[]
  readonly tolerations: readonly Toleration[]
  /** nodeSelector and required node affinity together; null when any node will do. */
  readonly selectsNode: NodeTest | null
  readonly requiredAffinity: readonly AffinityTerm[]
  readonly requiredAntiAffinity: readonly AffinityTerm[]
  /** Weights of anti-affinity are negative. */
  readonly preferredAffinity: readonly AffinityTerm[]
  /** Names of the volume claims in its namespace. */
  readonly claims: readonly string[]
}

/** The API server fills it in; an object that never passed through one has none. */
export const schedulerNameOf = ({ spec }: Pod): string => spec.schedulerName || 'default-scheduler'

const nothing: readonly never[] = []

export function createPodInfo(pod: Pod): PodInfo {
  const { spec, metadata } = pod
  const affinity = spec.affinity
  const terms = (list: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] =>
    list?.length ? list.map((term) => compileAffinityTerm(term, pod, 0)) : nothing
  const preferred = [
    ...(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? nothing).map(({ podAffinityTerm, weight }) =>
      compileAffinityTerm(podAffinityTerm, pod, weight),
    ),
    ...(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? nothing).map(
      ({ podAffinityTerm, weight }) => compileAffinityTerm(podAffinityTerm, pod, -weight),
    ),
  ]
  return {
    pod,
    key: keyOf(pod),
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    priority: spec.priority ?? 0,
    requests: computePodRequests(pod),
    nonZeroRequests: computeNonZeroRequests(pod),
    hostPorts: hostPortsOf(pod),
    tolerations: spec.tolerations ?? nothing,
    selectsNode: nodeTestOf(pod),
    requiredAffinity: terms(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: terms(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred.length > 0 ? preferred : nothing,
    claims: claimsOf(pod),
  }
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined
  const sidecars = (spec.initContainers ?? nothing).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const container of [...spec.containers, ...sidecars]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? nothing) {
      if (hostPort) (ports ??= []).push({ ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP', port: hostPort })
    }
  }
  return ports ?? nothing
}

function nodeTestOf({ spec: { nodeSelector, affinity } }: Pod): NodeTest | null {
  const labels = Object.entries(nodeSelector ?? {})
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (labels.length === 0 && !required) return null
  const selected = required ? compileNodeSelector(required) : null
  return (node) =>
    labels.every(([name, value]) => node.metadata.labels?.[name] === value) && (selected === null || selected(node))
}

/** A generic ephemeral volume's claim is named after the pod and the volume. */
function claimsOf({ metadata, spec }: Pod): readonly string[] {
  let claims: string[] | undefined
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? nothing) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)
    if (claim) (claims ??= []).push(claim)
  }
  return claims ?? nothing
}
