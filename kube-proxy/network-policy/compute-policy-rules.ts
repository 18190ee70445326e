/**
 * The chains that hold a node's pods to the network policies of the cluster. Pure.
 *
 * NETPOL → NETPOL-OUT-…/NETPOL-IN-… (one isolated pod) → NETPOL-P-… (one direction of a policy) → NETPOL-R-… (ports of a rule).
 * A policy that allows a packet marks it; a pod's chain drops what is not marked after all its policies were asked. Every packet
 * of the opening side is asked about, not the first alone, so that a new policy ends what it forbids; replies always pass.
 *
 * A pod's processes may talk before anyone has told its address. While one that a policy isolates starts on this node,
 * NETPOL-NEW-… drops what comes from, or goes to, addresses of the node's pods that are nobody's yet.
 */
import { createHash } from 'node:crypto'
import type { Namespace, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, Pod } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { familyOf, type Family } from '../service-ports.ts'

export type PolicyRules = Map<string, readonly string[]>

export const ROOT_CHAIN = 'NETPOL'
export const isPolicyChain = (chain: string): boolean => chain === ROOT_CHAIN || chain.startsWith('NETPOL-')

const ALLOWED = '0x80000'
const allow = `-j MARK --or-mark ${ALLOWED}`

type Direction = 'Ingress' | 'Egress'

interface Subject {
  namespace: string
  labels: Record<string, string>
  node: string
}

interface PodView extends Subject {
  key: string
  ip: string
  namedPort: (name: string, protocol: string) => number | undefined
}

interface Context {
  family: Family
  pods: readonly PodView[]
  namespaces: readonly Namespace[]
  chains: Map<string, readonly string[]>
}

/** `mangle/CHAIN` → its lines; empty when no pod of this node is isolated. */
export function computePolicyRules(
  policies: readonly NetworkPolicy[],
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
  node: { name: string; family: Family; /** Ranges that its pods have addresses of. */ podRanges: readonly string[] },
): PolicyRules {
  const context: Context = {
    family: node.family,
    pods: pods.flatMap((pod) => toView(pod, node.family)),
    namespaces,
    chains: new Map(),
  }
  const local = context.pods.filter((pod) => pod.node === node.name)
  const starting = pods.filter((pod) => pod.spec?.nodeName === node.name && isStarting(pod)).map(toSubject)
  const ranges = node.podRanges.filter((range) => familyOf(range) === node.family)
  const sorted = policies.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const jumps: string[] = []
  const last: string[] = []
  for (const direction of ['Egress', 'Ingress'] as const) {
    const asked = new Map<PodView, string[]>()
    let isolatesNew = false
    for (const policy of sorted) {
      if (!typesOf(policy).includes(direction)) continue
      const selector = toSelector(policy.spec?.podSelector ?? {})
      const isSubject = (pod: Subject) => pod.namespace === policy.metadata.namespace && selector.matches(pod.labels)
      isolatesNew ||= starting.some(isSubject)
      const subjects = local.filter(isSubject)
      if (subjects.length === 0) continue
      const chain = addPolicy(context, policy, direction, subjects)
      for (const pod of subjects) asked.set(pod, [...(asked.get(pod) ?? []), chain])
    }
    for (const [pod, chains] of [...asked].toSorted(([a], [b]) => (a.key < b.key ? -1 : 1))) {
      jumps.push(addPod(context, pod, direction, chains))
    }
    if (isolatesNew) last.push(...ranges.map((range) => addNew(context, local, direction, range)))
  }
  if (jumps.length + last.length === 0) return new Map()
  put(context, ROOT_CHAIN, [
    '-m conntrack --ctstate RELATED -j RETURN',
    '-m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN',
    ...jumps,
    ...last,
    // The mark is ours alone to see.
    `-j MARK --set-xmark 0x0/${ALLOWED}`,
  ])
  return context.chains
}

const nameOf = ({ metadata }: NetworkPolicy) => `${metadata.namespace}/${metadata.name}`
const put = ({ chains }: Context, chain: string, lines: readonly string[]) => void chains.set(`mangle/${chain}`, lines)
const chainOf = (kind: string, ...of: (string | number)[]) =>
  `NETPOL-${kind}-${createHash('sha256').update(of.join('/')).digest('hex').slice(0, 16).toUpperCase()}`
const comment = (text: string) => `-m comment --comment "${text.slice(0, 200)}"`

/** Without types: ingress always, egress when there are rules for it. */
const typesOf = ({ spec }: NetworkPolicy): readonly string[] =>
  spec?.policyTypes?.length ? spec.policyTypes : ['Ingress', ...(spec?.egress?.length ? ['Egress'] : [])]

/** Pods on the host's network are the node, which no policy is about; ended pods have given their address back. */
const hasNetwork = ({ spec, status }: Pod): boolean =>
  !spec?.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

const addressesOf = ({ status }: Pod): readonly string[] =>
  status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : [])

const isStarting = (pod: Pod): boolean => hasNetwork(pod) && addressesOf(pod).length === 0

const toSubject = ({ metadata, spec }: Pod): Subject => ({
  namespace: metadata.namespace ?? '',
  labels: metadata.labels ?? {},
  node: spec?.nodeName ?? '',
})

function toView(pod: Pod, family: Family): PodView[] {
  const { metadata, spec } = pod
  const ip = hasNetwork(pod) ? addressesOf(pod).find((each) => familyOf(each) === family) : undefined
  if (!ip) return []
  // Sidecars open ports too.
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  return [
    {
      ...toSubject(pod),
      key: `${metadata.namespace}/${metadata.name}`,
      ip,
      namedPort: (name, protocol) =>
        containers.flatMap(({ ports }) => ports ?? []).find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)
          ?.containerPort,
    },
  ]
}

/** Answers the line that leads a packet here. */
function addNew(context: Context, known: readonly PodView[], direction: Direction, range: string): string {
  const flag = direction === 'Ingress' ? '-d' : '-s'
  const chain = chainOf('NEW', direction, range)
  put(context, chain, [
    ...known.map(({ ip }) => `${flag} ${ip} -j RETURN`),
    `${comment('a pod that starts: no policy allows it yet')} -j DROP`,
  ])
  return `${comment(`pods that start ${direction}`)} ${flag} ${range} -j ${chain}`
}

/** Answers the line that leads a packet here. */
function addPod(context: Context, pod: PodView, direction: Direction, policies: readonly string[]): string {
  const [own, other, kind] = direction === 'Ingress' ? ['-d', '-s', 'IN'] : ['-s', '-d', 'OUT']
  const chain = chainOf(kind, pod.key)
  put(context, chain, [
    // Nothing keeps a pod from itself, by way of a service.
    `${other} ${pod.ip} -j RETURN`,
    `-j MARK --set-xmark 0x0/${ALLOWED}`,
    ...policies.map((policy) => `-j ${policy}`),
    `${comment(`${pod.key}: no policy allows it`)} -m mark ! --mark ${ALLOWED}/${ALLOWED} -j DROP`,
  ])
  return `${comment(`${pod.key} ${direction}`)} ${own} ${pod.ip} -j ${chain}`
}

function addPolicy(context: Context, policy: NetworkPolicy, direction: Direction, subjects: readonly PodView[]): string {
  const chain = chainOf('P', nameOf(policy), direction)
  const rules =
    direction === 'Ingress'
      ? (policy.spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (policy.spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
  const lines = rules.flatMap(({ peers, ports }, index) => {
    const target = addPorts(context, { policy, direction, index, ports, peers, subjects })
    return peerLines(context, policy, direction, peers, target, chainOf('B', nameOf(policy), direction, index))
  })
  put(context, chain, lines)
  return chain
}

/** Who is on the other side, as matches that lead to the rule's target. No peers at all mean everyone. */
function peerLines(
  context: Context,
  policy: NetworkPolicy,
  direction: Direction,
  peers: readonly NetworkPolicyPeer[] | undefined,
  target: string,
  blockChain: string,
): string[] {
  const flag = direction === 'Ingress' ? '-s' : '-d'
  if (!peers?.length) return [target]
  const pods = new Set(peers.flatMap((peer) => peerPods(context, policy, peer)).map(({ ip }) => ip))
  const blocks = peers.flatMap(({ ipBlock }, index) => {
    if (!ipBlock || familyOf(ipBlock.cidr) !== context.family) return []
    if (!ipBlock.except?.length) return [`${flag} ${ipBlock.cidr} ${target}`]
    // What one block leaves out another may allow: leaving it ends this block alone.
    const chain = `${blockChain.slice(0, 24)}-${index}`
    put(context, chain, [...ipBlock.except.map((range) => `${flag} ${range} -j RETURN`), target])
    return [`${flag} ${ipBlock.cidr} -j ${chain}`]
  })
  return [...[...pods].toSorted().map((ip) => `${flag} ${ip} ${target}`), ...blocks]
}

function peerPods({ pods, namespaces }: Context, policy: NetworkPolicy, peer: NetworkPolicyPeer): PodView[] {
  if (peer.ipBlock) return []
  const inNamespaces = peer.namespaceSelector && toSelector(peer.namespaceSelector)
  const spaces = inNamespaces
    ? new Set(
        namespaces.filter(({ metadata }) => inNamespaces.matches(metadata.labels ?? {})).map(({ metadata }) => metadata.name),
      )
    : new Set([policy.metadata.namespace])
  const selector = toSelector(peer.podSelector ?? {})
  return pods.filter((pod) => spaces.has(pod.namespace) && selector.matches(pod.labels))
}

interface RulePorts {
  policy: NetworkPolicy
  direction: Direction
  index: number
  ports: readonly NetworkPolicyPort[] | undefined
  peers: readonly NetworkPolicyPeer[] | undefined
  subjects: readonly PodView[]
}

/** A rule without ports is about all of them; otherwise a chain allows each. Answers what peers lead to. */
function addPorts(context: Context, { policy, direction, index, ports, peers, subjects }: RulePorts): string {
  if (!ports?.length) return allow
  // A name means the port that the receiving pod calls so.
  const receivers =
    direction === 'Ingress' ? subjects : peers?.length ? peers.flatMap((peer) => peerPods(context, policy, peer)) : context.pods
  const chain = chainOf('R', nameOf(policy), direction, index)
  put(context, chain, [...new Set(ports.flatMap((port) => portLines(port, receivers)))])
  return `-j ${chain}`
}

function portLines({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, receivers: readonly PodView[]): string[] {
  const p = protocol.toLowerCase()
  const match = `-p ${p}`
  if (port === undefined) return [`${match} ${allow}`]
  if (typeof port === 'number')
    return [`${match} -m ${p} --dport ${endPort === undefined ? port : `${port}:${endPort}`} ${allow}`]
  return receivers.flatMap((pod) => {
    const number = pod.namedPort(port, protocol)
    return number === undefined ? [] : [`-d ${pod.ip} ${match} -m ${p} --dport ${number} ${allow}`]
  })
}
