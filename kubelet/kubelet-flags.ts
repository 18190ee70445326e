/** The kubelet's command line, in upstream's names. */
import { quantityValue } from '../api/quantity.ts'
import { defineFlags, FlagError, type ParsedFlags } from '../component/flags.ts'
import type { EvictionSettings } from './eviction/evictor.ts'
import type { HollowNodesOptions } from './hollow-nodes.ts'
import type { ShutdownPeriods } from './node/node-shutdown.ts'
import { addAmounts, type Amounts, readReserved } from './node/reserved.ts'
import { readEvictionSettings } from './eviction/settings.ts'

export const kubeletFlags = defineFlags({
  kubeconfig: { type: 'string', required: true, description: 'How to reach the API server, and as whom' },
  'hostname-override': { type: 'string', description: "The node's name; the machine's host name by default" },
  'node-ip': { type: 'list', default: [], description: 'Addresses of the node, the first one is the one others use' },
  address: { type: 'string', default: '0.0.0.0', description: 'Address to serve on' },
  port: { type: 'int', default: 10250, description: 'Port to serve on; 0 takes any' },
  'container-runtime-endpoint': {
    type: 'string',
    default: 'unix:///run/containerd/containerd.sock',
    description: "The container runtime's socket",
  },
  'root-dir': { type: 'string', default: '/var/lib/kubelet', description: 'Where pods and their volumes live' },
  'pod-log-dir': { type: 'string', default: '/var/log/pods', alias: 'log-dir', description: 'Where the logs of containers go' },
  'pod-cidr': { type: 'string', description: 'Addresses of the pods; set at registration' },
  'cluster-dns': { type: 'list', default: [], description: 'Name servers for pods' },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'Domain of the cluster' },
  'resolv-conf': { type: 'string', default: '/etc/resolv.conf', description: "What pods with the node's DNS get" },
  'cgroup-root': { type: 'string', default: '/', description: 'Parent of the cgroups of all pods' },
  'client-ca-file': { type: 'string', description: 'Authorities whose client certificates are taken' },
  'tls-cert-file': { type: 'string', description: 'Serving certificate; a self-signed one by default' },
  'tls-private-key-file': { type: 'string', description: 'Key of the serving certificate' },
  'bootstrap-kubeconfig': { type: 'string', description: 'How to ask for the first certificate; --kubeconfig is then written' },
  'cert-dir': { type: 'string', default: '/var/lib/kubelet/pki', description: 'Where certificates that were asked for are kept' },
  'rotate-certificates': { type: 'bool', default: false, description: 'Ask for another client certificate before one ends' },
  'rotate-server-certificates': {
    type: 'bool',
    default: false,
    description: 'Ask for the serving certificate too; it is not asked for when --tls-cert-file is given',
  },
  'max-pods': { type: 'int', default: 110, description: 'How many pods fit on the node' },
  'node-labels': { type: 'map', default: {}, description: 'Labels to register the node with' },
  'register-node': { type: 'bool', default: true, description: 'Make the Node object if there is none' },
  'register-with-taints': { type: 'list', default: [], description: 'Taints to register the node with: key=value:Effect' },
  'provider-id': { type: 'string', description: 'What a cloud calls the machine' },
  'node-status-update-frequency': { type: 'duration', default: 10_000, description: 'How often the node looks at itself' },
  'container-log-max-size': { type: 'string', default: '10Mi', description: 'A log that grows beyond is rotated' },
  'container-log-max-files': { type: 'int', default: 5, description: 'How many files of a log are kept' },
  'max-parallel-image-pulls': { type: 'int', default: 0, description: 'How many images are fetched at once; 0 is no bound' },
  'pod-manifest-path': { type: 'string', description: 'Folder, or file, of static pods' },
  'file-check-frequency': {
    type: 'duration',
    default: 20_000,
    description: 'How often that folder is looked at beside its changes',
  },
  'eviction-hard': { type: 'string', description: 'When pods leave at once: `memory.available<100Mi,…`; empty: never' },
  'eviction-soft': { type: 'string', default: '', description: 'When pods leave after a while' },
  'eviction-soft-grace-period': {
    type: 'string',
    default: '',
    description: 'How long that while is: `memory.available=1m30s,…`',
  },
  'eviction-minimum-reclaim': {
    type: 'string',
    default: '',
    description: 'How much more than the threshold is to be free again',
  },
  'eviction-max-pod-grace-period': { type: 'int', default: 0, description: 'Seconds that a soft threshold gives a pod to end' },
  'eviction-pressure-transition-period': {
    type: 'duration',
    default: 300_000,
    description: 'How long a pressure is told of at least',
  },
  'image-gc-high-threshold': {
    type: 'int',
    default: 85,
    description: 'Percent of the disk above which unused images go; 100: never',
  },
  'image-gc-low-threshold': { type: 'int', default: 80, description: 'Percent of the disk down to which they go' },
  'kube-reserved': { type: 'map', default: {}, description: 'Kept from pods for Kubernetes: cpu=100m,memory=200Mi,…' },
  'system-reserved': { type: 'map', default: {}, description: 'Kept from pods for the rest of the machine' },
  'pod-max-pids': { type: 'int', default: -1, description: 'Processes and threads that one pod may have; -1: no bound' },
  'allowed-unsafe-sysctls': {
    type: 'list',
    default: [],
    description: 'Sysctls that pods may set beside the safe ones: kernel.msg*',
  },
  'shutdown-grace-period': {
    type: 'duration',
    default: 0,
    description: 'On SIGTERM end all pods and wait this long for them; 0: pods go on without their kubelet',
  },
  'shutdown-grace-period-critical-pods': {
    type: 'duration',
    default: 0,
    description: 'The part of it that critical pods get for themselves, after the others',
  },
  runtime: {
    type: 'string',
    default: 'containerd',
    choices: ['containerd', 'hollow'],
    description: 'hollow: nodes that only pretend to run their pods, for tests of scale',
  },
  'hollow-nodes': { type: 'int', default: 1, description: 'How many hollow nodes: NAME-0, NAME-1, …' },
  'hollow-start-time': {
    type: 'duration',
    default: 0,
    description: 'How long a hollow sandbox, and each container, takes to start',
  },
  'hollow-failure-rate': { type: 'float', default: 0, description: 'The share of hollow starts that fail, from 0 to 1' },
  'hollow-cpu': { type: 'int', default: 32, description: 'Processors of a hollow node' },
  'hollow-memory': { type: 'string', default: '256Gi', description: 'Memory of a hollow node' },
  'logging-format': { type: 'string', default: 'text', choices: ['text', 'json'], description: 'How log lines look' },
  v: { type: 'int', default: 2, description: 'How much to log; 4 and more is debugging' },
})

/** What of the two `-reserved` flags is not for pods. */
export const readReservedFlags = (flags: ParsedFlags<typeof kubeletFlags>): Amounts =>
  addAmounts(readReserved('kube-reserved', flags['kube-reserved']), readReserved('system-reserved', flags['system-reserved']))

export function readShutdownFlags(flags: ParsedFlags<typeof kubeletFlags>): ShutdownPeriods {
  const [totalMs, criticalMs] = [flags['shutdown-grace-period'], flags['shutdown-grace-period-critical-pods']]
  if (criticalMs > totalMs)
    throw new FlagError('invalid configuration: --shutdown-grace-period-critical-pods must be <= --shutdown-grace-period')
  return { totalMs, criticalMs }
}

export const readEvictionFlags = (flags: ParsedFlags<typeof kubeletFlags>): EvictionSettings =>
  readEvictionSettings({
    hard: flags['eviction-hard'],
    soft: flags['eviction-soft'],
    softGrace: flags['eviction-soft-grace-period'],
    minReclaim: flags['eviction-minimum-reclaim'],
    transitionMs: flags['eviction-pressure-transition-period'],
    maxPodGraceSeconds: flags['eviction-max-pod-grace-period'],
  })

export function readHollowFlags(flags: ParsedFlags<typeof kubeletFlags>): HollowNodesOptions {
  const failureRate = flags['hollow-failure-rate']
  if (!(failureRate >= 0 && failureRate <= 1)) throw new FlagError('--hollow-failure-rate must be between 0 and 1')
  return {
    count: flags['hollow-nodes'],
    startMs: flags['hollow-start-time'],
    failureRate,
    cpus: flags['hollow-cpu'],
    memoryBytes: quantityValue(flags['hollow-memory']),
  }
}
