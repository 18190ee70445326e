/** How the API server reaches a kubelet: the node's address and port, over TLS with the API server's own certificate. */
import type { Node } from '../../api/generated/types.ts'
import { badRequest } from '../../api/status.ts'

export interface KubeletTransport {
  /** Options for `https.request` and `tls.connect`. Verifies the kubelet's serving certificate. */
  tls: { cert: string; key: string; ca: string; servername?: string }
}

export interface KubeletAddress {
  host: string
  port: number
}

const TYPES = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS', 'ExternalIP']

/** By upstream's order of preference, as kubeadm sets it. Throws when the node has told no address yet. */
export function kubeletAddressOf(node: Node): KubeletAddress {
  const addresses = node.status?.addresses ?? []
  const found = TYPES.map((type) => addresses.find((address) => address.type === type)).find((address) => address !== undefined)
  if (!found)
    throw badRequest(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(' ')}]`)
  return { host: found.address, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10250 }
}
