/** Pure: the fields of a pod and the resources of its containers that environment variables and downward files may show. */
import type { Container, Pod, ResourceFieldSelector } from '../../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../../api/quantity.ts'
import { containersOf } from './pod-spec.ts'

/** What the sandbox and the node add to what the API has. */
export interface PodAddresses {
  podIps: readonly string[]
  hostIps: readonly string[]
}

/** Undefined when there is no such field. */
export function podField(pod: Pod, fieldPath: string, { podIps, hostIps }: PodAddresses): string | undefined {
  const { metadata, spec } = pod
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath)
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? ''
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid
    case 'metadata.labels':
      return formatMap(metadata.labels)
    case 'metadata.annotations':
      return formatMap(metadata.annotations)
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIps[0] ?? ''
    case 'status.hostIPs':
      return hostIps.join(',')
    case 'status.podIP':
      return podIps[0] ?? ''
    case 'status.podIPs':
      return podIps.join(',')
    default:
      return undefined
  }
}

/** One `key="value"` a line, sorted, quoted as Go quotes. */
const formatMap = (map: Record<string, string> = {}): string =>
  Object.entries(map)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')

/** A limit that was not set is all the node can give. */
export function resourceField(
  pod: Pod,
  own: Container,
  { containerName, resource, divisor }: ResourceFieldSelector,
  allocatable: Record<string, string>,
): string {
  const container = containerName ? containersOf(pod).find(({ name }) => name === containerName) : own
  if (!container) throw new Error(`container ${containerName} not found`)
  const [kind, ...rest] = resource.split('.')
  const name = rest.join('.')
  const { limits, requests } = container.resources ?? {}
  const text = kind === 'limits' ? (limits?.[name] ?? allocatable[name]) : (requests?.[name] ?? limits?.[name])
  const unit = divisor && divisor !== '0' ? divisor : '1'
  if (name === 'cpu') return String(Math.ceil(quantityMilliValue(text ?? '0') / quantityMilliValue(unit)))
  return String(Math.ceil(quantityValue(text ?? '0') / quantityValue(unit)))
}
