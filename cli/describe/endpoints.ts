/** Endpoints and endpoint slices: the addresses behind a service. */
import { isIPv6 } from 'node:net'
import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

const MAXIMUM_SHOWN = 3

/** The ready addresses behind the port of that name: `10.0.0.1:80,10.0.0.2:80 + 4 more...` */
export function formatEndpoints(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return '<none>'
  const addresses = slices.flatMap(({ endpoints, ports }) => {
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map(({ addresses }) => addresses[0]!)
    // Headless services need not have ports.
    if (!ports?.length) return ready
    return ports
      .filter(({ name = '' }) => name === portName)
      .flatMap(({ port }) => ready.map((address) => `${isIPv6(address) ? `[${address}]` : address}:${port}`))
  })
  const more = addresses.length > MAXIMUM_SHOWN ? ` + ${addresses.length - MAXIMUM_SHOWN} more...` : ''
  return addresses.slice(0, MAXIMUM_SHOWN).join(',') + more
}

export const endpointsDescriber: Describer<Endpoints> = {
  kind: 'Endpoints',
  group: '',
  describe({ metadata, subsets = [] }, _, events, now) {
    const page = new Page().identity(metadata)
    page.line(0, 'Subsets:')
    for (const { addresses, notReadyAddresses, ports = [] } of subsets) {
      page.line(1, 'Addresses:', joinAddresses(addresses))
      page.line(1, 'NotReadyAddresses:', joinAddresses(notReadyAddresses))
      if (ports.length > 0) page.line(1, 'Ports:').line(2, 'Name', 'Port', 'Protocol').line(2, '----', '----', '--------')
      for (const { name, port, protocol } of ports) page.line(2, name || '<unset>', port, protocol)
      page.line(0, '')
    }
    return describeEvents(page, events, now).toString()
  },
}

const joinAddresses = (addresses: readonly EndpointAddress[] = []): string => addresses.map(({ ip }) => ip).join(',') || '<none>'

export const endpointSliceDescriber: Describer<EndpointSlice> = {
  kind: 'EndpointSlice',
  group: 'discovery.k8s.io',
  describe({ metadata, addressType, ports, endpoints }, _, events, now) {
    const page = new Page().identity(metadata)
    page.line(0, 'AddressType:', addressType)
    if (ports?.length) page.line(0, 'Ports:').line(1, 'Name', 'Port', 'Protocol').line(1, '----', '----', '--------')
    else page.line(0, 'Ports: <unset>')
    for (const { name, port, protocol } of ports ?? []) page.line(1, name || '<unset>', port ?? '<unset>', protocol)
    page.line(0, endpoints?.length ? 'Endpoints:' : 'Endpoints: <none>')
    for (const endpoint of endpoints ?? []) describeEndpoint(page, endpoint)
    return describeEvents(page, events, now).toString()
  },
}

function describeEndpoint(page: Page, { addresses, conditions, hostname, targetRef, nodeName, zone }: Endpoint): void {
  page.line(1, '- Addresses:', addresses.join(', ') || '<none>')
  page.line(2, 'Conditions:')
  page.line(3, 'Ready:', conditions?.ready ?? '<unset>')
  page.line(2, 'Hostname:', hostname ?? '<unset>')
  if (targetRef) page.line(2, 'TargetRef:', `${targetRef.kind}/${targetRef.name}`)
  page.line(2, 'NodeName:', nodeName ?? '<unset>')
  page.line(2, 'Zone:', zone ?? '<unset>')
}
