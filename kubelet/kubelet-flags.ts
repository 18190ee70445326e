/** The kubelet's command line, in upstream's names. */
import { defineFlags, type ParsedFlags } from '../component/flags.ts'
import type { EvictionSettings } from './eviction/evictor.ts'
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
  'logging-format': { type: 'string', default: 'text', choices: ['text', 'json'], description: 'How log lines look' },
  v: { type: 'int', default: 2, description: 'How much to log; 4 and more is debugging' },
})

export const readEvictionFlags = (flags: ParsedFlags<typeof kubeletFlags>): EvictionSettings =>
  readEvictionSettings({
    hard: flags['eviction-hard'],
    soft: flags['eviction-soft'],
    softGrace: flags['eviction-soft-grace-period'],
    minReclaim: flags['eviction-minimum-reclaim'],
    transitionMs: flags['eviction-pressure-transition-period'],
    maxPodGraceSeconds: flags['eviction-max-pod-grace-period'],
  })
