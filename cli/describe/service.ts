/** A service: its addresses, ports, and the endpoints behind each. */
import type { EndpointSlice, Service, ServicePort } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { formatEndpoints } from './endpoints.ts'
import { describeEvents } from './events.ts'
import { formatPairs, Page } from './page.ts'

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
    page.line(0, 'Selector:', formatPairs(spec.selector))
    page.line(0, 'Type:', spec.type)
    if (spec.ipFamilyPolicy) page.line(0, 'IP Family Policy:', spec.ipFamilyPolicy)
    page.line(0, 'IP Families:', spec.ipFamilies?.join(',') || '<none>')
    page.line(0, 'IP:', spec.clusterIP ?? '')
    page.line(0, 'IPs:', spec.clusterIPs?.join(',') || '<none>')
    if (spec.externalIPs?.length) page.line(0, 'External IPs:', spec.externalIPs.join(','))
    if (spec.loadBalancerIP) page.line(0, 'Desired LoadBalancer IP:', spec.loadBalancerIP)
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
    if (spec.healthCheckNodePort) page.line(0, 'HealthCheck NodePort:', spec.healthCheckNodePort)
    const ranges = spec.loadBalancerSourceRanges
    if (ranges?.length) page.line(0, 'LoadBalancer Source Ranges:', ranges.join(','))
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
  page.line(0, 'Endpoints:', formatEndpoints(slices, name ?? ''))
}
