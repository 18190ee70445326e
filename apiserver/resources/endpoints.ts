/** Endpoints. */
import { required } from '../../api/field-error.ts'
import type { CoreEndpointPort, EndpointAddress, Endpoints, EndpointSubset } from '../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidPortNumber } from '../../api/names.ts'
import { AGE, firstThree, NAME, NONE, text } from './columns.ts'
import { check, checkOneOf, type Errors } from './rules/field-rules.ts'
import { validateNonSpecialIP } from './rules/ip-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

export const endpoints: ResourceBehaviour<Endpoints> = {
  setDefaults: ({ subsets }) => {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP'
  },
  validate: ({ subsets }) => {
    const errors: Errors = []
    subsets?.forEach((subset, i) => validateSubset(errors, `subsets[${i}]`, subset))
    return errors
  },
  deprecations: { v1: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice' },
  columns: [
    NAME,
    text('Endpoints', 'The addresses of the service.', ({ subsets }) => firstThree((subsets ?? []).flatMap(addressesOf), NONE)),
    AGE,
  ],
  createOnUpdate: true,
}

function addressesOf({ addresses = [], ports = [] }: EndpointSubset): string[] {
  // Headless services may have none.
  if (ports.length === 0) return addresses.map(({ ip }) => ip)
  return ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)))
}

function validateSubset(
  errors: Errors,
  path: string,
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
): void {
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'))
  }
  addresses.forEach((address, i) => validateAddress(errors, `${path}.addresses[${i}]`, address))
  notReadyAddresses.forEach((address, i) => validateAddress(errors, `${path}.notReadyAddresses[${i}]`, address))
  ports.forEach((port, i) => validatePort(errors, `${path}.ports[${i}]`, port, ports.length > 1))
}

function validateAddress(errors: Errors, path: string, { ip, hostname, nodeName }: EndpointAddress): void {
  validateNonSpecialIP(errors, `${path}.ip`, ip ?? '')
  if (hostname) check(errors, `${path}.hostname`, hostname, isDNS1123Label(hostname))
  if (nodeName !== undefined) check(errors, `${path}.nodeName`, nodeName, isDNS1123Subdomain(nodeName))
}

function validatePort(
  errors: Errors,
  path: string,
  { name, port, protocol, appProtocol }: CoreEndpointPort,
  requireName: boolean,
): void {
  if (name) check(errors, `${path}.name`, name, isDNS1123Label(name))
  else if (requireName) errors.push(required(`${path}.name`))
  check(errors, `${path}.port`, port, isValidPortNumber(port))
  checkOneOf(errors, `${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
  if (appProtocol !== undefined) check(errors, `${path}.appProtocol`, appProtocol, isQualifiedName(appProtocol))
}
