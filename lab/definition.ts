/** What a lab is, as data: its members, addresses and paths. Everything else in this folder is computed from it. */
import path from 'node:path'

export interface LabDefinition {
  name: string
  /** Which /24 of the lab range it has; two labs on one machine differ in it. */
  index: number
  nodes: readonly string[]
  /** Nodes get a default route and a resolver. Off: nothing leaves the machine. */
  internet: boolean
  /** Those of the nodes that came in later, with a bootstrap token: they got their certificates by asking. */
  joined?: readonly string[]
  /** Processes that are not started, by name (those of nodes without their node), for others to take their place. */
  without?: readonly string[]
  /** How the nodes' kernels keep the rules of services; iptables where nothing is said. */
  proxyMode?: ProxyMode
}

export const PROXY_MODES = ['iptables', 'nftables'] as const
export type ProxyMode = (typeof PROXY_MODES)[number]

/** What others may stand in for: they find all that they need in the lab's folder. */
export const REPLACEABLE = ['kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubelet']

export const POD_RANGE = '10.244.0.0/16'
export const SERVICE_RANGE = '10.96.0.0/16'
export const CLUSTER_DNS = '10.96.0.10'
export const CLUSTER_DOMAIN = 'cluster.local'
export const API_PORT = 6443

/** Each lab's own /24 for its members and load balancers. */
export const labRange = ({ index }: LabDefinition) => `172.30.${index}.0/24`
/** The machine itself, as the lab sees it. */
export const hostAddress = ({ index }: LabDefinition) => `172.30.${index}.1`
export const controlPlaneAddress = ({ index }: LabDefinition) => `172.30.${index}.2`
/** The switch's own: it routes the load balancer addresses. */
export const switchAddress = ({ index }: LabDefinition) => `172.30.${index}.3`
export const loadBalancerRange = ({ index }: LabDefinition) => `172.30.${index}.128/26`
export const isLoadBalancerAddress = ({ index }: LabDefinition, address: string): boolean => {
  const last = Number(address.split('.')[3])
  return address.startsWith(`172.30.${index}.`) && last >= 128 && last < 192
}
export const nodeAddress = ({ index, nodes }: LabDefinition, node: string) => `172.30.${index}.${10 + nodeNumber(nodes, node)}`
export const podCidr = ({ nodes }: LabDefinition, node: string) => `10.244.${nodeNumber(nodes, node)}.0/24`
export const apiServerUrl = (lab: LabDefinition) => `https://${controlPlaneAddress(lab)}:${API_PORT}`

function nodeNumber(nodes: readonly string[], node: string): number {
  const index = nodes.indexOf(node)
  if (index < 0) throw new Error(`Cannot find node ${node}: the lab has ${nodes.join(', ')}`)
  return index + 1
}

/** Names of network namespaces on the host. */
export const switchNamespace = ({ name }: LabDefinition) => `kubelab-${name}-switch`
export const controlPlaneNamespace = ({ name }: LabDefinition) => `kubelab-${name}-control-plane`
export const nodeNamespace = ({ name }: LabDefinition, node: string) => `kubelab-${name}-${node}`
/** The host's leg into the lab; interface names end at 15 characters. */
export const hostInterface = ({ index }: LabDefinition) => `kubelab${index}`

/** The states of all labs of this machine. */
export const stateRoot = '/var/lib/kubelab'
const RUN = '/run/kubelab'

export const definitionFile = (name: string, root = stateRoot) => path.join(root, name, 'lab.json')

/** What outlives a reboot (`state`) and what does not (`run`). */
export function labPaths(name: string) {
  const state = path.join(stateRoot, name)
  const run = path.join(RUN, name)
  return {
    state,
    run,
    definition: definitionFile(name),
    pki: path.join(state, 'pki'),
    etcd: path.join(state, 'etcd'),
    logs: path.join(state, 'logs'),
    auditPolicy: path.join(state, 'audit-policy.yaml'),
    auditLog: path.join(state, 'logs', 'audit.log'),
    /** Kubeconfigs of components and of the administrator. */
    kubeconfigs: path.join(state, 'kubeconfigs'),
    adminKubeconfig: path.join(state, 'kubeconfigs', 'admin.conf'),
    controlSocket: path.join(run, 'supervisor.sock'),
    supervisorPid: path.join(run, 'supervisor.pid'),
    node: (node: string) => ({
      state: path.join(state, 'nodes', node),
      kubelet: path.join(state, 'nodes', node, 'kubelet'),
      containerd: path.join(state, 'nodes', node, 'containerd'),
      cni: path.join(state, 'nodes', node, 'cni'),
      cniState: path.join(state, 'nodes', node, 'cni-state'),
      logPods: path.join(state, 'nodes', node, 'log-pods'),
      logContainers: path.join(state, 'nodes', node, 'log-containers'),
      /** Bound to /run inside the node. */
      run: path.join(run, 'nodes', node, 'run'),
      containerdSocket: path.join(run, 'nodes', node, 'run', 'containerd', 'containerd.sock'),
      initPid: path.join(run, 'nodes', node, 'init.pid'),
    }),
  }
}

/** Where the kubelet of a node that joined finds itself; in the node the folder is `/var/lib/kubelet`. */
export const joinFiles = ({ name }: LabDefinition, node: string) => ({
  bootstrapKubeconfig: path.join(labPaths(name).node(node).kubelet, 'bootstrap-kubeconfig'),
  kubeconfig: path.join(labPaths(name).node(node).kubelet, 'kubeconfig'),
})

export const hasJoined = ({ joined = [] }: LabDefinition, node: string): boolean => joined.includes(node)

export const imagesFolder = path.join(stateRoot, 'images')
export const cgroupOf = ({ name }: LabDefinition, node: string) => `/kubelab/${name}/${node}`

/** A lab's name becomes part of file, namespace and context names. Answers the complaint, or null. */
export function labNameComplaint(name: string): string | null {
  if (!/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) {
    return 'it must be 1 to 20 lower-case letters, digits and "-", starting with a letter and not ending in "-"'
  }
  return name === 'images' ? 'the name is taken by the folder of the start images' : null
}
