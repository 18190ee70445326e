/**
 * UDP flows that the kernel remembers and that lead nowhere now. UDP has no end of connection: a client that keeps sending
 * keeps the old translation alive, so it must be taken away when an endpoint goes, or when the first one comes. Pure.
 */
import { addressOf, type ServicePort } from './service-ports.ts'

/** Flows to forget: to this address or node port; with `endpoint`, only those that were translated to it. */
export type StaleFlow = ({ address: string; port?: undefined } | { port: number; address?: undefined }) & { endpoint?: string }

export function computeStaleFlows(before: readonly ServicePort[], after: readonly ServicePort[]): StaleFlow[] {
  const keyOf = ({ id, port }: ServicePort) => `${id}/${port}`
  const now = new Map(after.filter(isUdp).map((port) => [keyOf(port), port]))
  const flows: StaleFlow[] = []
  for (const old of before.filter(isUdp)) {
    const next = now.get(keyOf(old))
    const kept = new Set(next ? targetsOf(next).map((target) => target.key) : [])
    for (const { flow, key } of targetsOf(old)) if (!kept.has(key)) flows.push(flow)
    if (!next) continue
    const serving = new Set(next.endpoints.filter((endpoint) => endpoint.serving).map(addressOf))
    const gone = old.endpoints.filter((endpoint) => endpoint.serving && !serving.has(addressOf(endpoint)))
    for (const { flow } of targetsOf(next)) flows.push(...gone.map(({ ip }) => ({ ...flow, endpoint: ip })))
  }
  // What was sent while nobody answered is remembered as untranslated.
  const served = new Set(before.filter(isUdp).filter(hasEndpoints).map(keyOf))
  for (const [key, port] of now)
    if (hasEndpoints(port) && !served.has(key)) flows.push(...targetsOf(port).map(({ flow }) => flow))
  return flows
}

const isUdp = ({ protocol }: ServicePort): boolean => protocol === 'udp'

const hasEndpoints = ({ endpoints }: ServicePort): boolean => endpoints.some(({ serving }) => serving)

function targetsOf({ clusterIP, externalIPs, loadBalancerIPs, nodePort }: ServicePort): { key: string; flow: StaleFlow }[] {
  const addresses = [clusterIP, ...externalIPs, ...loadBalancerIPs].map((address) => ({
    key: address,
    flow: { address } as StaleFlow,
  }))
  return nodePort === undefined ? addresses : [...addresses, { key: `:${nodePort}`, flow: { port: nodePort } }]
}

/** Arguments of `conntrack` that delete the flow. */
export const conntrackArguments = ({ address, port, endpoint }: StaleFlow): string[] => [
  '-D',
  '-p',
  'udp',
  ...(address === undefined
    ? ['--orig-port-dst', String(port)]
    : ['--orig-dst', address, ...(address.includes(':') ? ['-f', 'ipv6'] : [])]),
  ...(endpoint === undefined ? [] : ['--dst-nat', endpoint]),
]
