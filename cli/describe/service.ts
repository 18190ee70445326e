/** A service: its addresses, ports, and the endpoints behind each. */
import type { EndpointSlice, Service, ServicePort } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

const MAXIMUM_SHOWN = 3

export const serviceDescriber: Describer<Service, EndpointSlice[]> = {
  kind: 'Service',
  group: '',
  read: async ({ client }, { metadata }) => {
    const options = { namespace: metadata.namespace, labelSelector: `kubernetes.io/service-name=${metadata.name}` }
    return (await client.list('EndpointSlice', options)).items
  },
  describe({ metadata, spec, status }, slices, events, now) {
    const page = new Page()
    page.identity(metadata)
    const selector = Object.entries(spec.selector ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort()
    page.line(0, 'Selector:', selector.join(',') || '<none>')
    page.line(0, 'Type:', spec.type)
    if (spec.ipFamilyPolicy) page.line(0, 'IP Family Policy:', spec.ipFamilyPolicy)
    if (spec.ipFamilies?.length) page.line(0, 'IP Families:', spec.ipFamilies.join(','))
    page.line(0, 'IP:', spec.clusterIP ?? '')
    page.line(0, 'IPs:', spec.clusterIPs?.join(',') || '<none>')
    if (spec.externalIPs?.length) page.line(0, 'External IPs:', spec.externalIPs.join(','))
    if (spec.externalName) page.line(0, 'External Name:', spec.externalName)
    const ingress =
      status?.loadBalancer?.ingress?.map(({ ip, ipMode, hostname }) =>
        ip && ipMode ? `${ip} (${ipMode})` : (ip ?? hostname ?? ''),
      ) ?? []
    if (ingress.length > 0) page.line(0, 'LoadBalancer Ingress:', ingress.join(', '))
    for (const port of spec.ports ?? []) describePort(page, port, slices)
    page.line(0, 'Session Affinity:', spec.sessionAffinity)
    if (spec.externalTrafficPolicy) page.line(0, 'External Traffic Policy:', spec.externalTrafficPolicy)
    if (spec.internalTrafficPolicy) page.line(0, 'Internal Traffic Policy:', spec.internalTrafficPolicy)
    return describeEvents(page, events, now).toString()
  },
}

function describePort(
  page: Page,
  { name, port, protocol = 'TCP', targetPort, nodePort }: ServicePort,
  slices: readonly EndpointSlice[],
): void {
  const title = name || '<unset>'
  page.line(0, 'Port:', title, `${port}/${protocol}`)
  page.line(0, 'TargetPort:', `${targetPort ?? port}/${protocol}`)
  if (nodePort) page.line(0, 'NodePort:', title, `${nodePort}/${protocol}`)
  const addresses = slices.flatMap(({ endpoints = [], ports = [] }) => {
    const target = ports?.find((candidate) => (candidate.name ?? '') === (name ?? ''))
    if (!target) return []
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses.map((address) => `${address}:${target.port}`))
  })
  const more = addresses.length > MAXIMUM_SHOWN ? ` + ${addresses.length - MAXIMUM_SHOWN} more...` : ''
  page.line(0, 'Endpoints:', addresses.length > 0 ? addresses.slice(0, MAXIMUM_SHOWN).join(',') + more : '<none>')
}
