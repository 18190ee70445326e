/** A network policy: which pods it is about, and what may reach them or be reached by them. */
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { Page } from './page.ts'

interface Rule {
  ports?: NetworkPolicyPort[] | undefined
  peers?: NetworkPolicyPeer[] | undefined
}

export const networkPolicyDescriber: Describer<NetworkPolicy> = {
  kind: 'NetworkPolicy',
  group: 'networking.k8s.io',
  describe({ metadata, spec }) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'Created on:', formatTime(metadata.creationTimestamp))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Spec:')
    const selected = formatLabelSelector(spec.podSelector)
    const meaning = selected === '<none>' ? ' (Allowing the specific traffic to all pods in this namespace)' : ''
    page.line(1, `PodSelector:     ${selected}${meaning}`)
    const { policyTypes = [], ingress = [], egress = [] } = spec
    if (policyTypes.includes('Ingress'))
      describeRules(
        page,
        'ingress',
        ingress.map(({ ports, from }) => ({ ports, peers: from })),
      )
    else page.line(1, 'Not affecting ingress traffic')
    if (policyTypes.includes('Egress'))
      describeRules(
        page,
        'egress',
        egress.map(({ ports, to }) => ({ ports, peers: to })),
      )
    else page.line(1, 'Not affecting egress traffic')
    page.line(1, `Policy Types: ${policyTypes.join(', ') || '<none>'}`)
    return page.toString()
  },
}

/** As Go prints a time, here only: `2030-01-02 12:00:00 +0000 UTC`. */
const formatTime = (timestamp: string | undefined): string =>
  timestamp ? `${timestamp.slice(0, 19).replace('T', ' ')} +0000 UTC` : '<nil>'

function describeRules(page: Page, direction: 'ingress' | 'egress', rules: readonly Rule[]): void {
  page.line(1, `Allowing ${direction} traffic:`)
  if (rules.length === 0) page.line(2, `<none> (Selected pods are isolated for ${direction} connectivity)`)
  const [word, restricted] = direction === 'ingress' ? ['From', 'source'] : ['To', 'destination']
  rules.forEach(({ ports, peers }, index) => {
    if (!ports?.length) page.line(2, 'To Port: <any> (traffic allowed to all ports)')
    for (const port of ports ?? []) page.line(2, formatPort(port))
    if (!peers?.length) page.line(2, `${word}: <any> (traffic not restricted by ${restricted})`)
    for (const peer of peers ?? []) describePeer(page.line(2, `${word}:`), peer)
    if (index < rules.length - 1) page.line(2, '----------')
  })
}

const formatPort = ({ port, endPort, protocol = 'TCP' }: NetworkPolicyPort): string =>
  endPort === undefined ? `To Port: ${port ?? '<nil>'}/${protocol}` : `To Port Range: ${port}-${endPort}/${protocol}`

function describePeer(page: Page, { namespaceSelector, podSelector, ipBlock }: NetworkPolicyPeer): void {
  if (namespaceSelector) page.line(3, `NamespaceSelector: ${formatLabelSelector(namespaceSelector)}`)
  if (podSelector) page.line(3, `PodSelector: ${formatLabelSelector(podSelector)}`)
  if (namespaceSelector || podSelector || !ipBlock) return
  page.line(3, 'IPBlock:')
  page.line(4, `CIDR: ${ipBlock.cidr}`)
  page.line(4, `Except: ${(ipBlock.except ?? []).join(', ')}`)
}
