/**
 * The lab's network: a switch in a namespace of its own, a leg to the host and one to each member, and no way out.
 *
 * The switch is not in the host's namespace because the host's iptables would filter its frames wherever br_netfilter is on
 * (Docker sets FORWARD to DROP). The host has one veth leg with an address; pod and service ranges are black holes on it.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import {
  type LabDefinition,
  POD_RANGE,
  SERVICE_RANGE,
  controlPlaneAddress,
  controlPlaneNamespace,
  hostAddress,
  hostInterface,
  labRange,
  loadBalancerRange,
  nodeAddress,
  nodeNamespace,
  podCidr,
  switchAddress,
  switchNamespace,
} from './definition.ts'
import { hopLines } from './load-balancer/route-commands.ts'

const run = promisify(execFile)

/** Marks our routes so that only ours are taken away again. */
const ROUTE_PROTOCOL = '196'
const ROUTE_METRIC = '4000000'

export async function ip(namespace: string | undefined, ...words: string[]): Promise<string> {
  const { stdout } = await run('ip', namespace ? ['-n', namespace, ...words] : words)
  return stdout
}

/** Several `ip` commands in one process and one namespace. */
export async function ipBatch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const child = run('ip', [...(namespace ? ['-n', namespace] : []), '-batch', '-'])
  child.child.stdin!.end(`${lines.join('\n')}\n`)
  await child
}

const namespaceExists = (name: string) => existsSync(`/run/netns/${name}`)

/** Sets sysctls inside a network namespace: /proc/sys/net is that of the process that looks. */
const sysctl = (namespace: string, values: Record<string, string | number>) =>
  run('nsenter', [
    `--net=/run/netns/${namespace}`,
    'sh',
    '-c',
    Object.entries(values)
      .map(([name, value]) => `echo ${value} > /proc/sys/net/${name}`)
      .join('; '),
  ])

/**
 * Addresses of a lab never reach a real network, whatever is left over anywhere: pods, services, and the lab's own, which a kubeconfig
 * goes on naming while the lab is down. The lab's own leg, while there is one, goes before.
 */
export async function addBlackholes(lab: LabDefinition): Promise<void> {
  await ipBatch(
    undefined,
    [...sharedBlackholes, ownBlackhole(lab)].map((route) => `route replace ${route}`),
  )
}

/** With its last lab, a machine loses the ones that all labs share. */
export async function removeBlackholes(lab: LabDefinition, { isLast }: { isLast: boolean }): Promise<void> {
  for (const route of isLast ? [...sharedBlackholes, ownBlackhole(lab)] : [ownBlackhole(lab)])
    await ip(undefined, 'route', 'del', ...route.split(' ')).catch(ignoreMissingRoute)
}

const marks = `proto ${ROUTE_PROTOCOL} metric ${ROUTE_METRIC}`
const sharedBlackholes = [POD_RANGE, SERVICE_RANGE].map((range) => `blackhole ${range} ${marks}`)
/** Whoever asks for a lab that is down is told at once that nobody is there. */
const ownBlackhole = (lab: LabDefinition) => `unreachable ${labRange(lab)} ${marks}`

/** A reboot takes routes away, and so may a lab that never came up. */
function ignoreMissingRoute(error: { stderr?: string }) {
  if (!error.stderr?.includes('No such process')) throw error
}

/** Makes the switch and the host's leg; does nothing when they stand. */
export async function createSwitch(lab: LabDefinition): Promise<void> {
  const name = switchNamespace(lab)
  if (namespaceExists(name)) return
  await ip(undefined, 'netns', 'add', name)
  const host = hostInterface(lab)
  await sysctl(name, { 'bridge/bridge-nf-call-iptables': 0, 'bridge/bridge-nf-call-ip6tables': 0 }).catch(
    ignoreMissingBridgeFilter,
  )
  await ipBatch(name, [
    'link set lo up',
    'link add switch type bridge',
    `addr add ${switchAddress(lab)}/24 dev switch`,
    'link set switch up',
    // An address that nobody has is refused at once.
    `route add unreachable ${loadBalancerRange(lab)}`,
  ])
  // It spreads connections, not clients, over the nodes; and says to nobody that a node would be the shorter way.
  await sysctl(name, {
    'ipv4/ip_forward': 1,
    'ipv4/fib_multipath_hash_policy': 1,
    'ipv4/conf/all/send_redirects': 0,
    'ipv4/conf/switch/send_redirects': 0,
  })
  await ip(undefined, 'link', 'add', host, 'type', 'veth', 'peer', 'name', 'host', 'netns', name)
  await ipBatch(name, ['link set host master switch', 'link set host up'])
  await ipBatch(undefined, [`addr add ${hostAddress(lab)}/24 dev ${host}`, `link set ${host} up`, loadBalancerRoute(lab)])
}

/** Without br_netfilter in the kernel there is nothing to switch off. */
function ignoreMissingBridgeFilter(error: unknown) {
  if (existsSync('/proc/sys/net/bridge')) throw error
}

/** A namespace with an `eth0` on the switch. The port's name on the switch is the member's: cutting it cuts the member off. */
async function createMember(lab: LabDefinition, namespace: string, port: string, address: string): Promise<void> {
  await ip(undefined, 'netns', 'add', namespace)
  await ip(switchNamespace(lab), 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  await ipBatch(switchNamespace(lab), [`link set ${port} master switch`, `link set ${port} up`])
  await ipBatch(namespace, ['link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up'])
}

/** Every member reaches every node's pods through that node. */
const podRoutes = (lab: LabDefinition, except?: string) =>
  lab.nodes.filter((node) => node !== except).map((node) => `route replace ${podCidr(lab, node)} via ${nodeAddress(lab, node)}`)

/** Load balancer addresses are on the other side of the switch, which routes them. */
const loadBalancerRoute = (lab: LabDefinition) => `route replace ${loadBalancerRange(lab)} via ${switchAddress(lab)}`

/** The kernel wants a route before iptables may rewrite a packet; what is not rewritten ends in the host's black hole. */
const serviceRoute = (lab: LabDefinition) => `route replace ${SERVICE_RANGE} via ${hostAddress(lab)}`
const wayOut = (lab: LabDefinition) => (lab.internet ? [`route replace default via ${hostAddress(lab)}`] : [])

export async function createControlPlaneNetwork(lab: LabDefinition): Promise<void> {
  const namespace = controlPlaneNamespace(lab)
  if (namespaceExists(namespace)) return
  await createMember(lab, namespace, 'cp', controlPlaneAddress(lab))
  await ipBatch(namespace, [...podRoutes(lab), loadBalancerRoute(lab), ...wayOut(lab)])
}

export async function createNodeNetwork(lab: LabDefinition, node: string): Promise<void> {
  const namespace = nodeNamespace(lab, node)
  if (namespaceExists(namespace)) return
  await createMember(lab, namespace, portOf(lab, node), nodeAddress(lab, node))
  await sysctl(namespace, { 'ipv4/ip_forward': 1, 'ipv4/conf/all/route_localnet': 1 })
  // A reply between two pods of one node must pass iptables too, or it keeps the address that the service rules put in.
  await sysctl(namespace, { 'bridge/bridge-nf-call-iptables': 1 }).catch(ignoreMissingBridgeFilter)
  await ipBatch(namespace, [
    ...podRoutes(lab, node),
    serviceRoute(lab),
    loadBalancerRoute(lab),
    ...wayOut(lab),
    // What comes for a load balancer and no rule of a service took would go round between this node and the switch.
    `rule add iif eth0 to ${loadBalancerRange(lab)} unreachable`,
  ])
}

/** Members that stand already learn the way to the pods of a node that came later. */
export async function announceNode(lab: LabDefinition, node: string): Promise<void> {
  const others = lab.nodes.filter((one) => one !== node).map((one) => nodeNamespace(lab, one))
  const route = `route replace ${podCidr(lab, node)} via ${nodeAddress(lab, node)}`
  const members = [controlPlaneNamespace(lab), ...others].filter(namespaceExists)
  await Promise.all(members.map((namespace) => ipBatch(namespace, [route])))
  await ipBatch(switchNamespace(lab), hopLines(lab))
}

const portOf = ({ nodes }: LabDefinition, node: string) => `node${nodes.indexOf(node) + 1}`

export async function deleteNamespace(name: string): Promise<void> {
  if (namespaceExists(name)) await ip(undefined, 'netns', 'del', name)
}

/** Takes the whole network away; every veth goes with its namespace. */
export async function deleteNetwork(lab: LabDefinition): Promise<void> {
  for (const node of lab.nodes) await deleteNamespace(nodeNamespace(lab, node))
  await deleteNamespace(controlPlaneNamespace(lab))
  await deleteNamespace(switchNamespace(lab))
  // The kernel takes the host's leg away with its peer, but a little later; a new lab may want the name at once.
  await ip(undefined, 'link', 'del', hostInterface(lab)).catch(() => undefined)
}

/** `--internet`: the host forwards and hides the lab behind its own address. */
export async function openInternet(lab: LabDefinition): Promise<void> {
  await run('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
  for (const rule of internetRules(lab)) {
    await run('iptables', ['-w', ...rule('-C')]).catch(() => run('iptables', ['-w', ...rule('-I')]))
  }
}

export async function closeInternet(lab: LabDefinition): Promise<void> {
  for (const rule of internetRules(lab)) {
    const there = await run('iptables', ['-w', ...rule('-C')]).then(
      () => true,
      () => false,
    )
    if (there) await run('iptables', ['-w', ...rule('-D')])
  }
}

const internetRules = (lab: LabDefinition): ((verb: string) => string[])[] => {
  const comment = ['-m', 'comment', '--comment', `kubelab ${lab.name}`]
  const leg = hostInterface(lab)
  return [
    (verb) => ['-t', 'nat', verb, 'POSTROUTING', '-s', labRange(lab), '!', '-o', leg, ...comment, '-j', 'MASQUERADE'],
    (verb) => [verb, 'FORWARD', '-i', leg, ...comment, '-j', 'ACCEPT'],
    (verb) => [verb, 'FORWARD', '-o', leg, ...comment, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
  ]
}
