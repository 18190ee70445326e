/** EndpointSlice. */
import { duplicate, invalid, required, tooMany } from '../../api/field-error.ts'
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice } from '../../api/generated/types.ts'
import { ipFamily, isDNS1123Label, isDNS1123Subdomain, isQualifiedName } from '../../api/names.ts'
import { AGE, firstThree, NAME, text, UNSET } from './columns.ts'
import { check, checkImmutable, checkOneOf, type Errors } from './rules/field-rules.ts'
import { validateNonSpecialIP } from './rules/ip-rules.ts'
import { validateLabels } from './rules/object-meta.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const MAX_ENDPOINTS = 1000
const MAX_ADDRESSES = 100
const MAX_PORTS = 20_000

export const endpointSlice: ResourceBehaviour<EndpointSlice> = {
  setDefaults: (slice) => {
    slice.endpoints ??= []
    for (const endpoint of slice.endpoints) endpoint.conditions ??= {}
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ||= 'TCP'
    }
  },
  validate: (slice) => {
    const errors: Errors = []
    checkOneOf(errors, 'addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6'])
    validateEndpoints(errors, slice)
    validatePorts(errors, slice.ports ?? [])
    return errors
  },
  validateUpdate: (slice, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'addressType', slice.addressType, old.addressType)
    return errors
  },
  generationChanges: (slice, old) =>
    !sameJson(slice.endpoints, old.endpoints) ||
    !sameJson(slice.ports, old.ports) ||
    !sameJson(slice.metadata.labels, old.metadata.labels),
  columns: [
    NAME,
    text('AddressType', 'The kind of address that the endpoints have.', ({ addressType }) => addressType),
    text('Ports', 'The ports of each endpoint.', ({ ports }) => firstThree((ports ?? []).map(portText), UNSET)),
    text('Endpoints', 'The addresses.', ({ endpoints }) =>
      firstThree(
        (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
        UNSET,
      ),
    ),
    AGE,
  ],
}

const portText = ({ port, name }: DiscoveryEndpointPort): string => (port === undefined ? name || '*' : String(port))

function validateEndpoints(errors: Errors, { endpoints = [], addressType }: EndpointSlice): void {
  if (endpoints.length > MAX_ENDPOINTS) {
    errors.push(tooMany('endpoints', endpoints.length, MAX_ENDPOINTS))
    return
  }
  endpoints.forEach((endpoint, i) => {
    const at = `endpoints[${i}]`
    const addresses = endpoint.addresses ?? []
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'))
    if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(`${at}.addresses`, addresses.length, MAX_ADDRESSES))
    addresses.forEach((address, j) => {
      const path = `${at}.addresses[${j}]`
      validateAddress(errors, path, address, addressType)
    })
    validateDetails(errors, at, endpoint)
  })
}

function validateAddress(errors: Errors, path: string, address: string, addressType: string): void {
  if (addressType === 'FQDN') {
    check(errors, path, address, isDNS1123Subdomain(address))
    return
  }
  const family = ipFamily(address)
  if (addressType === 'IPv4' && family !== 4) errors.push(invalid(path, address, 'must be a valid IPv4 address'))
  else if (addressType === 'IPv6' && family !== 6) errors.push(invalid(path, address, 'must be a valid IPv6 address'))
  else if (family) validateNonSpecialIP(errors, path, address)
}

function validateDetails(errors: Errors, path: string, { nodeName, hostname, hints, deprecatedTopology }: Endpoint): void {
  if (nodeName !== undefined) check(errors, `${path}.nodeName`, nodeName, isDNS1123Subdomain(nodeName))
  if (hostname !== undefined) check(errors, `${path}.hostname`, hostname, isDNS1123Label(hostname))
  validateLabels(errors, `${path}.deprecatedTopology`, deprecatedTopology)
  if (hints?.forZones && hints.forZones.length > 8) errors.push(tooMany(`${path}.hints.forZones`, hints.forZones.length, 8))
  if (hints?.forNodes && hints.forNodes.length > 8) errors.push(tooMany(`${path}.hints.forNodes`, hints.forNodes.length, 8))
}

function validatePorts(errors: Errors, ports: readonly DiscoveryEndpointPort[]): void {
  if (ports.length > MAX_PORTS) errors.push(tooMany('ports', ports.length, MAX_PORTS))
  const names = new Set<string>()
  ports.forEach(({ name = '', protocol, appProtocol }, i) => {
    const at = `ports[${i}]`
    if (name) check(errors, `${at}.name`, name, isDNS1123Label(name))
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
    checkOneOf(errors, `${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
    if (appProtocol !== undefined) check(errors, `${at}.appProtocol`, appProtocol, isQualifiedName(appProtocol))
  })
}
