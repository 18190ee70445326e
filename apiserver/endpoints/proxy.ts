/** /proxy of pods, services and nodes: HTTP, and whatever it is upgraded to, to what runs behind the name. */
import type { EndpointSlice, Pod, Service } from '../../api/generated/types.ts'
import { badRequest, notFound, serviceUnavailable } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { relay, type Target } from '../relay.ts'
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
  const question = (raw.url ?? '').indexOf('?')
  const slash = (raw.url ?? '').slice(0, question < 0 ? undefined : question).endsWith('/') && info.rest !== '' ? '/' : ''
  const path = `/${info.rest}${slash}${question < 0 ? '' : raw.url!.slice(question)}`
  await relay(request, resolve(context, request, asked, path, resource.definition.names.plural))
}

function resolve(context: ApiContext, { info }: ResourceRequest, asked: ProxyName, path: string, plural: string): Target {
  const { reader } = context.admission
  const { name, port, scheme } = asked
  // What serves inside the cluster has certificates of its own making, which nobody here can vouch for.
  const tls = scheme === 'https' ? { rejectUnauthorized: false } : undefined
  if (plural === 'nodes') return nodeTarget(context, asked, path)
  if (plural === 'pods') {
    const pod = reader.get('Pod', { namespace: info.namespace, name })
    if (!pod) throw notFound('', 'pods', name)
    if (!pod.status?.podIP) throw badRequest('address not allowed')
    return { host: pod.status.podIP, port: podPort(pod, port), path, tls }
  }
  const service = reader.get('Service', { namespace: info.namespace, name })
  if (!service) throw notFound('', 'services', name)
  const slices = reader
    .list('EndpointSlice', info.namespace)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  const { host, port: number } = endpointOf(service, slices, port)
  return { host, port: number, path, tls }
}

/** A pod must listen: its first port when none is named. */
function podPort({ spec }: Pod, port: string): number {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  if (port === '') return ports[0]?.containerPort ?? 80
  const named = ports.find(({ name }) => name === port)
  const number = named?.containerPort ?? Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65535) throw badRequest(`invalid port ${JSON.stringify(port)}`)
  return number
}

function endpointOf(service: Service, slices: readonly EndpointSlice[], asked: string): { host: string; port: number } {
  const ports = service.spec?.ports ?? []
  const port =
    asked === ''
      ? ports.length === 1
        ? ports[0]
        : undefined
      : ports.find((one) => one.name === asked || String(one.port) === asked)
  if (!port)
    throw serviceUnavailable(
      `no service port ${JSON.stringify(asked)} found for service ${JSON.stringify(service.metadata.name)}`,
    )
  const choices = slices.flatMap((slice) => {
    const target = (slice.ports ?? []).find((one) => (one.name ?? '') === (port.name ?? ''))
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false)
    return target?.port ? ready.map(({ addresses }) => ({ host: addresses[0]!, port: target.port! })) : []
  })
  const chosen = choices[Math.floor(Math.random() * choices.length)]
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(service.metadata.name)}`)
  return chosen
}

/** Without a port it is the kubelet, and our own certificate opens its doors. */
function nodeTarget(context: ApiContext, { name, port, scheme }: ProxyName, path: string): Target {
  const kubelet = targetOf(context, name, path)
  if (port === '' || Number(port) === kubelet.port) return kubelet
  return { ...kubelet, port: Number(port), tls: scheme === 'https' ? { rejectUnauthorized: false } : undefined }
}
