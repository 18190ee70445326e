/** What Ingress objects ask for, checked: an ordered list of routes, the backends they lead to, certificates and complaints. Pure. */
import type { EndpointSlice, Ingress, IngressBackend, Secret, Service } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import { readCertificate } from './read-certificate.ts'

export interface Route {
  /** '' for every host; `*.example.org` for one label before it. */
  host: string
  path: string
  type: 'Exact' | 'Prefix'
  backend: string
}

export interface Backend {
  name: string
  /** `10.0.0.1:80`, in a stable order. */
  servers: readonly string[]
  /** gRPC and other HTTP/2 without TLS, by the port's appProtocol. */
  http2: boolean
}

export interface Certificate {
  name: string
  pem: string
  hosts: readonly string[]
}

export interface Complaint {
  about: Ingress
  reason: string
  message: string
}

export interface Routing {
  /** The first that fits a request takes it. */
  routes: readonly Route[]
  defaultBackend: string | undefined
  backends: readonly Backend[]
  certificates: readonly Certificate[]
  complaints: readonly Complaint[]
}

export interface ClusterView {
  service(key: string): Service | undefined
  slices(key: string): readonly EndpointSlice[]
  secret(key: string): Secret | undefined
  /** What the proxy has refused to load: with it in the configuration nobody would be served. */
  isRefused(pem: string): boolean
}

/** Older ingresses win where two ask for the same; a rule that is wrong costs itself alone. */
export function computeRouting(ingresses: readonly Ingress[], cluster: ClusterView): Routing {
  const state: State = {
    cluster,
    routes: new Map(),
    backends: new Map(),
    certificates: new Map(),
    complaints: [],
    fallback: undefined,
  }
  for (const ingress of ingresses.toSorted(olderFirst)) addIngress(state, ingress)
  return {
    routes: [...state.routes.values()].map(({ route }) => route).toSorted(moreSpecificFirst),
    defaultBackend: state.fallback?.backend,
    backends: [...state.backends.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    certificates: [...state.certificates.values()],
    complaints: state.complaints,
  }
}

interface State {
  cluster: ClusterView
  routes: Map<string, { route: Route; owner: string }>
  backends: Map<string, Backend>
  certificates: Map<string, Certificate>
  complaints: Complaint[]
  fallback: { backend: string; owner: string } | undefined
}

function olderFirst(a: Ingress, b: Ingress): number {
  const [left, right] = [a, b].map((each) => `${String(each.metadata.creationTimestamp)} ${keyOf(each)}`)
  return left! < right! ? -1 : 1
}

const hostRank = (host: string) => (host === '' ? 2 : host.startsWith('*.') ? 1 : 0)

/** Named hosts before wildcards before all; long paths before short ones, exact before prefix. */
const moreSpecificFirst = (a: Route, b: Route): number =>
  hostRank(a.host) - hostRank(b.host) ||
  b.path.length - a.path.length ||
  (a.type === b.type ? 0 : a.type === 'Exact' ? -1 : 1) ||
  (a.host < b.host ? -1 : 1)

function addIngress(state: State, ingress: Ingress): void {
  const { rules = [], defaultBackend, tls = [] } = ingress.spec ?? {}
  const complain = (reason: string, message: string) => void state.complaints.push({ about: ingress, reason, message })
  for (const { host = '', http } of rules) {
    for (const { path = '/', pathType, backend } of http?.paths ?? []) {
      // The configuration's strongest quoting ends at this character, and no URL has the others.
      if (!/^\/[\x21-\x26\x28-\x7e]*$/.test(path)) {
        complain('InvalidPath', `path ${JSON.stringify(path)} has characters that cannot be in a URL`)
        continue
      }
      addRoute(state, ingress, host.toLowerCase(), path, pathType === 'Exact' ? 'Exact' : 'Prefix', backend, complain)
    }
  }
  if (defaultBackend) addDefault(state, ingress, defaultBackend, complain)
  for (const { hosts = [], secretName } of tls) if (secretName) addCertificate(state, ingress, secretName, hosts, complain)
}

type Complain = (reason: string, message: string) => void

function addRoute(
  state: State,
  ingress: Ingress,
  host: string,
  path: string,
  type: Route['type'],
  target: IngressBackend,
  complain: Complain,
): void {
  // `/a` and `/a/` are the same elements.
  const plain = type === 'Prefix' ? path.replace(/\/+$/, '') || '/' : path
  const key = `${host} ${plain} ${type}`
  const taken = state.routes.get(key)
  if (taken) {
    if (taken.owner !== keyOf(ingress)) complain('Conflict', `${host || '*'}${path} is taken by ingress ${taken.owner}`)
    return
  }
  const backend = addBackend(state, ingress, target, complain)
  if (backend) state.routes.set(key, { route: { host, path: plain, type, backend }, owner: keyOf(ingress) })
}

/** For the hosts that it has rules for; without any rule, for everything. */
function addDefault(state: State, ingress: Ingress, target: IngressBackend, complain: Complain): void {
  const hosts = new Set((ingress.spec?.rules ?? []).map(({ host }) => host ?? ''))
  if (hosts.size > 0) {
    for (const host of hosts) {
      if (!state.routes.has(`${host} / Prefix`)) addRoute(state, ingress, host, '/', 'Prefix', target, complain)
    }
    return
  }
  if (state.fallback) return complain('Conflict', `the default backend is that of ingress ${state.fallback.owner}`)
  const backend = addBackend(state, ingress, target, complain)
  if (backend) state.fallback = { backend, owner: keyOf(ingress) }
}

/** A backend without servers answers 503, as a service without endpoints should; one that cannot exist is not made. */
function addBackend(
  state: State,
  ingress: Ingress,
  { service, resource }: IngressBackend,
  complain: Complain,
): string | undefined {
  if (!service) {
    complain('UnsupportedBackend', `backend ${resource?.kind}/${resource?.name} is no service`)
    return undefined
  }
  const namespace = ingress.metadata.namespace ?? ''
  const wanted = service.port?.name ?? service.port?.number
  const name = `${namespace}_${service.name}_${wanted}`
  if (state.backends.has(name)) return name
  const key = `${namespace}/${service.name}`
  const found = state.cluster.service(key)
  const port = found?.spec?.ports?.find((each) => each.port === wanted || each.name === wanted)
  if (!found) complain('ServiceNotFound', `service ${key} does not exist`)
  else if (found.spec?.type === 'ExternalName') complain('UnsupportedBackend', `service ${key} is a name for elsewhere`)
  else if (!port) complain('PortNotFound', `service ${key} has no port ${wanted}`)
  const servers = port ? serversOf(state.cluster.slices(key), port.name ?? '') : []
  const http2 = port?.appProtocol === 'kubernetes.io/h2c' || port?.appProtocol === 'grpc'
  state.backends.set(name, { name, servers, http2 })
  return name
}

function serversOf(slices: readonly EndpointSlice[], portName: string): string[] {
  const servers = slices.flatMap(({ addressType, ports, endpoints }) => {
    // A name is looked up when the configuration is read: one that is not known would keep everybody from being served.
    if (addressType === 'FQDN') return []
    const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
    if (port === undefined) return []
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .map(({ addresses: [ip = ''] }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`))
  })
  return [...new Set(servers)].toSorted()
}

/** A certificate may be made out to any text; in the proxy's list some characters have a meaning. */
const HOST = /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i

function addCertificate(state: State, ingress: Ingress, secretName: string, hosts: readonly string[], complain: Complain): void {
  const key = `${ingress.metadata.namespace}/${secretName}`
  const secret = state.cluster.secret(key)
  if (!secret) return complain('SecretNotFound', `TLS secret ${key} does not exist`)
  const certificate = readCertificate(secret)
  if ('problem' in certificate) return complain('InvalidCertificate', `TLS secret ${key}: ${certificate.problem}`)
  if (state.cluster.isRefused(certificate.pem)) {
    return complain('InvalidCertificate', `TLS secret ${key}: the proxy refuses to load it: its key may be too weak`)
  }
  const known = state.certificates.get(key)
  // Without hosts the names in the certificate count; a name that some other certificate has goes to the older.
  const all = (hosts.length > 0 ? hosts : certificate.names).filter((host) => HOST.test(host))
  state.certificates.set(key, {
    name: key.replace('/', '_'),
    pem: certificate.pem,
    hosts: [...new Set([...(known?.hosts ?? []), ...all.map((host) => host.toLowerCase())])],
  })
}
