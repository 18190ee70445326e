/** From a service and one of its ports to an endpoint that answers for it: this server sees no cluster IPs, only the pods behind them. */
import type { EndpointSlice, Service } from '../../api/generated/types.ts'
import { serviceUnavailable } from '../../api/status.ts'
import type { ClusterReader } from '../admission/plugin.ts'

export interface ServiceAddress {
  host: string
  port: number
}

const q = JSON.stringify

/** Any of the endpoints that are ready. Throws in upstream's words when there is no service, no such port or nobody behind it. */
export function resolveService(reader: ClusterReader, namespace: string, name: string, port: number): ServiceAddress {
  const service = reader.get('Service', { namespace, name })
  if (!service) throw new Error(`service ${q(name)} not found`)
  if (service.spec?.type === 'ExternalName') return { host: service.spec.externalName ?? '', port }
  const found = service.spec?.ports?.find((one) => one.port === port)
  if (!found) throw serviceUnavailable(`no service port ${port} found for service ${q(name)}`)
  return pickEndpoint(name, slicesOf(reader, namespace, name), found.name)
}

export const slicesOf = (reader: ClusterReader, namespace: string, name: string): EndpointSlice[] =>
  reader.list('EndpointSlice', namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)

/** `portName` is that of the service's port, under which the slices have the port of the pods. */
export function endpointsOf(slices: readonly EndpointSlice[], portName: string | undefined): ServiceAddress[] {
  return slices.flatMap((slice) => {
    const target = (slice.ports ?? []).find((one) => (one.name ?? '') === (portName ?? ''))?.port
    if (!target) return []
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false)
    return ready.map(({ addresses }) => ({ host: addresses[0]!, port: target }))
  })
}

export function pickEndpoint(service: string, slices: readonly EndpointSlice[], portName: string | undefined): ServiceAddress {
  const choices = endpointsOf(slices, portName)
  const chosen = choices[Math.floor(Math.random() * choices.length)]
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${q(service)}`)
  return chosen
}

/** The port that a name or a number in a URL means; the only one when nothing is said. */
export function servicePortOf(service: Service, asked: string) {
  const ports = service.spec?.ports ?? []
  if (asked === '') return ports.length === 1 ? ports[0] : undefined
  return ports.find((one) => one.name === asked || String(one.port) === asked)
}
