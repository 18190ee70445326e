/** Ingress. */
import { invalid, notSupported, required } from '../../api/field-error.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS } from '../../api/generated/types.ts'
import {
  ipFamily,
  isDNS1035Label,
  isDNS1123Subdomain,
  isPathSegment,
  isValidPortName,
  isValidPortNumber,
  isWildcardDNS1123Subdomain,
} from '../../api/names.ts'
import { AGE, loadBalancerAddresses, NAME, NONE, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkRequired, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']

export const ingress: ResourceBehaviour<Ingress> = {
  setDefaults: (ingress) => {
    ingress.spec ??= {}
  },
  newStatus: () => ({ loadBalancer: {} }),
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    const annotation = metadata.annotations?.[CLASS_ANNOTATION]
    if (annotation !== undefined && spec.ingressClassName !== undefined && annotation !== spec.ingressClassName) {
      errors.push(
        invalid(`metadata.annotations[${CLASS_ANNOTATION}]`, annotation, 'must match `ingressClassName` when both are specified'),
      )
    }
    if (!spec.rules?.length && !spec.defaultBackend) {
      errors.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
    }
    if (spec.defaultBackend) validateBackend(errors, 'spec.defaultBackend', spec.defaultBackend)
    spec.rules?.forEach((rule, i) => validateRule(errors, `spec.rules[${i}]`, rule))
    spec.tls?.forEach((tls, i) => validateTls(errors, `spec.tls[${i}]`, tls))
    if (spec.ingressClassName !== undefined) {
      check(errors, 'spec.ingressClassName', spec.ingressClassName, isDNS1123Subdomain(spec.ingressClassName))
    }
    return errors
  },
  warnings: ({ metadata }, old) =>
    !old && metadata.annotations?.[CLASS_ANNOTATION] !== undefined
      ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  generationChanges: specChanges,
  columns: [
    NAME,
    text(
      'Class',
      'The name of the IngressClass resource that should be used for additional configuration',
      ({ metadata, spec }) => spec.ingressClassName ?? metadata.annotations?.[CLASS_ANNOTATION] ?? NONE,
    ),
    text('Hosts', 'Hosts that incoming requests are matched against before the ingress rule', ({ spec }) =>
      formatHosts(spec.rules ?? []),
    ),
    text('Address', 'Address is a list containing ingress points for the load-balancer', ({ status }) =>
      loadBalancerAddresses(status?.loadBalancer),
    ),
    text('Ports', 'Ports of TLS configurations that open', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    AGE,
  ],
  hasStatus: true,
}

function formatHosts(rules: readonly IngressRule[]): string {
  const hosts: string[] = []
  let more = false
  for (const { host } of rules) {
    if (hosts.length === 3) more = true
    if (!more && host) hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return more ? `${hosts.join(',')} + ${rules.length - 3} more...` : hosts.join(',')
}

function checkHost(errors: Errors, path: string, host: string): void {
  check(errors, path, host, host.includes('*') ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host))
}

function validateTls(errors: Errors, path: string, { hosts, secretName }: IngressTLS): void {
  hosts?.forEach((host, i) => checkHost(errors, `${path}.hosts[${i}]`, host))
  if (secretName) check(errors, `${path}.secretName`, secretName, isDNS1123Subdomain(secretName))
}

function validateRule(errors: Errors, path: string, { host, http }: IngressRule): void {
  if (host) {
    if (ipFamily(host)) errors.push(invalid(`${path}.host`, host, 'must be a DNS name, not an IP address'))
    else checkHost(errors, `${path}.host`, host)
  }
  if (!http) return
  if (!http.paths?.length) errors.push(required(`${path}.http.paths`))
  http.paths?.forEach((one, i) => validatePath(errors, `${path}.http.paths[${i}]`, one))
}

const FORBIDDEN_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const FORBIDDEN_ENDINGS = ['/..', '/.']

function validatePath(errors: Errors, path: string, { path: url = '', pathType, backend }: HTTPIngressPath): void {
  if (!pathType) {
    errors.push(required(`${path}.pathType`, 'pathType must be specified'))
    return
  }
  const relative = () => errors.push(invalid(`${path}.path`, url, 'must be an absolute path'))
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!url.startsWith('/')) relative()
    for (const sequence of FORBIDDEN_SEQUENCES) {
      if (url.includes(sequence)) errors.push(invalid(`${path}.path`, url, `must not contain '${sequence}'`))
    }
    for (const ending of FORBIDDEN_ENDINGS) {
      if (url.endsWith(ending)) errors.push(invalid(`${path}.path`, url, `cannot end with '${ending}'`))
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (url && !url.startsWith('/')) relative()
  } else errors.push(notSupported(`${path}.pathType`, pathType, PATH_TYPES))
  validateBackend(errors, `${path}.backend`, backend ?? {})
}

function validateBackend(errors: Errors, path: string, { service, resource }: IngressBackend): void {
  if (service && resource) {
    errors.push(invalid(path, '', 'cannot set both resource and service backends'))
    return
  }
  if (resource) {
    for (const member of ['kind', 'name'] as const) {
      if (checkRequired(errors, `${path}.resource.${member}`, resource[member])) {
        check(errors, `${path}.resource.${member}`, resource[member], isPathSegment(resource[member]))
      }
    }
    return
  }
  if (!service) {
    errors.push(invalid(path, '', 'resource or service backend is required'))
    return
  }
  if (checkRequired(errors, `${path}.service.name`, service.name)) {
    check(errors, `${path}.service.name`, service.name, isDNS1035Label(service.name))
  }
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(path, '', 'cannot set both port name & port number'))
  else if (name) check(errors, `${path}.service.port.name`, name, isValidPortName(name))
  else if (number) check(errors, `${path}.service.port.number`, number, isValidPortNumber(number))
  else errors.push(required(path, 'port name or number is required'))
}
