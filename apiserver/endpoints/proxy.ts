/** /proxy of pods, services and nodes: HTTP, and whatever it is upgraded to, to what runs behind the name. */
import type { Endpoint, EndpointSlice, Pod } from '../../api/generated/types.ts'
import { badRequest, notFound, serviceUnavailable } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { allowedAddress, notAllowed } from '../relays/global-address.ts'
import { isUpgrade, relay, type Target } from '../relays/relay.ts'
import { pickEndpoint, servicePortOf, slicesOf } from '../relays/service-address.ts'
import { admitConnect, targetOf } from './node-relay.ts'

interface ProxyName {
  scheme: 'http' | 'https'
  name: string
  port: string
}

/** `name`, `name:port`, `https:name:port` */
function parseName(text: string): ProxyName {
  const parts = text.split(':')
  const [first, second, third] = parts
  if (parts.length === 1) return { scheme: 'http', name: first!, port: '' }
  if (parts.length === 2) return { scheme: 'http', name: first!, port: second! }
  if (parts.length !== 3 || (first !== 'http' && first !== 'https' && first !== ''))
    throw badRequest(`invalid service request ${JSON.stringify(text)}`)
  return { scheme: first === 'https' ? 'https' : 'http', name: second!, port: third! }
}

export async function proxy(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info, resource, raw } = request
  await context.store.current()
  await admitConnect(context, request)
  const asked = parseName(info.name)
  const url = raw.url ?? ''
  const question = url.indexOf('?')
  const page = question < 0 ? url : url.slice(0, question)
  const query = question < 0 ? '' : url.slice(question)
  if (info.rest === '' && !page.endsWith('/') && !isUpgrade(raw) && (raw.method === 'GET' || raw.method === 'HEAD')) {
    // Relative links of a page are about the folder that it is in.
    request.response.writeHead(301, { location: `${page}/${query}`, 'content-length': 0 }).end()
    return
  }
  const rest = info.rest !== '' && page.endsWith('/') ? `${info.rest}/` : info.rest
  const path = `/${rest}${query}`
  const target = await resolve(context, request, asked, path, resource.definition.names.plural)
  const prefix = page.slice(0, page.length - rest.length).replace(/\/$/, '')
  const hosts = [`${target.host}:${target.port}`, target.host, raw.headers.host ?? '']
  const headers = {
    'X-Forwarded-For': raw.socket.remoteAddress?.replace('::ffff:', '') ?? '',
    'X-Forwarded-Uri': page,
  }
  await relay(request, { ...target, headers, proxiedAt: { prefix, hosts } })
}

async function resolve(
  context: ApiContext,
  { info }: ResourceRequest,
  asked: ProxyName,
  path: string,
  plural: string,
): Promise<Target> {
  const { reader } = context.admission
  const { name, port, scheme } = asked
  // What serves inside the cluster has certificates of its own making, which nobody here can vouch for.
  const tls = scheme === 'https' ? { rejectUnauthorized: false } : undefined
  if (plural === 'nodes') return nodeTarget(context, asked, path)
  if (plural === 'pods') {
    const pod = reader.get('Pod', { namespace: info.namespace, name })
    if (!pod) throw notFound('', 'pods', name)
    const host = pod.status?.podIP ?? ''
    if (!context.proxiesTo(host)) throw notAllowed()
    return { host, port: podPort(pod, port), path, tls }
  }
  const service = reader.get('Service', { namespace: info.namespace, name })
  if (!service) throw notFound('', 'services', name)
  const servicePort = servicePortOf(service, port)
  if (!servicePort) throw serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`)
  const address = pickEndpoint(name, podsOnly(context, info.namespace, slicesOf(reader, info.namespace, name)), servicePort.name)
  return { ...address, path, tls }
}

/**
 * Whoever may write slices could point them at anything that this server reaches and they do not: only to pods of the
 * namespace is anything passed on.
 */
function podsOnly(context: ApiContext, namespace: string, slices: readonly EndpointSlice[]): EndpointSlice[] {
  const isPod = ({ targetRef, addresses }: Endpoint): boolean => {
    if (targetRef?.kind !== 'Pod' || targetRef.namespace !== namespace || !targetRef.name) return false
    const { podIP, podIPs = [] } = context.admission.reader.get('Pod', { namespace, name: targetRef.name })?.status ?? {}
    return addresses[0] === podIP || podIPs.some(({ ip }) => ip === addresses[0])
  }
  return slices.map((slice) => ({ ...slice, endpoints: slice.endpoints?.filter(isPod) ?? [] }))
}

/** A pod must listen: its first port when none is named. */
function podPort({ spec }: Pod, port: string): number {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  if (port === '') return ports[0]?.containerPort ?? 80
  return ports.find(({ name }) => name === port)?.containerPort ?? portNumber(port)
}

function portNumber(port: string): number {
  const number = Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65535) throw badRequest(`invalid port ${JSON.stringify(port)}`)
  return number
}

/** Without a port it is the kubelet, and our own certificate opens its doors. */
async function nodeTarget(context: ApiContext, { name, port, scheme }: ProxyName, path: string): Promise<Target> {
  const kubelet = targetOf(context, name, path)
  const { host: named, tls } = kubelet
  const host = await allowedAddress(named, context.proxiesTo)
  if (port === '' || portNumber(port) === kubelet.port)
    return { ...kubelet, host, ...(tls && host !== named && { tls: { ...tls, servername: named } }) }
  return { ...kubelet, host, port: portNumber(port), tls: scheme === 'https' ? { rejectUnauthorized: false } : undefined }
}
