/** An ingress: which hosts and paths lead to which services, and to the endpoints behind those. */
import type {
  EndpointSlice,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressServiceBackend,
  Service,
} from '../../api/generated/types.ts'
import { ApiError } from '../../api/status.ts'
import type { Session } from '../session.ts'
import type { Describer } from './describers.ts'
import { formatEndpoints } from './endpoints.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

/** What is behind each service that the ingress names; or why that could not be read. */
type Backends = Readonly<Record<string, { service: Service; slices: EndpointSlice[] } | { error: string }>>

export const ingressDescriber: Describer<Ingress, Backends> = {
  kind: 'Ingress',
  group: 'networking.k8s.io',
  read: readBackends,
  describe({ metadata, spec = {}, status }, backends, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.pairs(0, 'Labels', metadata.labels)
    page.line(0, 'Namespace:', metadata.namespace)
    const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).filter(Boolean)
    page.line(0, 'Address:', [...new Set(addresses)].toSorted().join(','))
    page.line(0, 'Ingress Class:', spec.ingressClassName ?? '<none>')
    const fallback = spec.defaultBackend ? formatBackend(spec.defaultBackend, backends) : '<default>'
    page.line(0, 'Default backend:', fallback)
    if (spec.tls?.length) page.line(0, 'TLS:')
    for (const { secretName, hosts = [] } of spec.tls ?? [])
      page.line(1, `${secretName ? `${secretName} terminates` : 'SNI routes'} ${hosts.join(',')}`)
    page.line(0, 'Rules:').line(1, 'Host', 'Path', 'Backends').line(1, '----', '----', '--------')
    const rules = (spec.rules ?? []).filter(({ http }) => http)
    for (const { host, http } of rules) {
      page.line(1, host || '*', '')
      for (const { path = '', backend } of http!.paths) page.line(2, '', `${path} `, formatBackend(backend, backends))
    }
    if (rules.length === 0) page.line(1, '*', '*', fallback)
    page.annotations(0, metadata.annotations)
    return describeEvents(page, events, now).toString()
  },
}

function servicesOf({ spec = {} }: Ingress): string[] {
  const paths = (spec.rules ?? []).flatMap(({ http }) => http?.paths ?? [])
  const backends = [...(spec.defaultBackend ? [spec.defaultBackend] : []), ...paths.map(({ backend }) => backend)]
  return [...new Set(backends.flatMap(({ service }) => (service ? [service.name] : [])))]
}

async function readBackends({ client }: Session, ingress: Ingress): Promise<Backends> {
  const { namespace } = ingress.metadata
  const entries = servicesOf(ingress).map(async (name) => {
    try {
      const [service, slices] = await Promise.all([
        client.get('Service', { namespace, name }),
        client.list('EndpointSlice', { namespace, labelSelector: `kubernetes.io/service-name=${name}` }),
      ])
      return [name, { service, slices: slices.items }] as const
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return [name, { error: error.message }] as const
    }
  })
  return Object.fromEntries(await Promise.all(entries))
}

function formatBackend({ service, resource }: IngressBackend, backends: Backends): string {
  if (service) return `${service.name}:${service.port?.number || service.port?.name || ''} (${formatBehind(service, backends)})`
  if (resource) return `APIGroup: ${resource.apiGroup ?? '<none>'}, Kind: ${resource.kind}, Name: ${resource.name}`
  return ''
}

function formatBehind({ name, port }: IngressServiceBackend, backends: Backends): string {
  const behind = backends[name]!
  if ('error' in behind) return `<error: ${behind.error}>`
  const named = behind.service.spec.ports?.findLast((candidate) =>
    port?.number ? candidate.port === port.number : port?.name !== undefined && candidate.name === port.name,
  )
  return formatEndpoints(behind.slices, named?.name ?? '')
}

export const ingressClassDescriber: Describer<IngressClass> = {
  kind: 'IngressClass',
  group: 'networking.k8s.io',
  describe({ metadata, spec }, _, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Controller:', spec?.controller)
    if (spec?.parameters) {
      const { apiGroup, kind, name } = spec.parameters
      page.line(0, 'Parameters:')
      if (apiGroup !== undefined) page.line(1, 'APIGroup:', apiGroup)
      page.line(1, 'Kind:', kind).line(1, 'Name:', name)
    }
    return describeEvents(page, events, now).toString()
  },
}
