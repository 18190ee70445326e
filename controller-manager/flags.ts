/** The command line, as upstream's controller manager takes it. */
import { LEADER_FLAGS } from '../client/leader-flags.ts'
import { defineFlags, type ParsedFlags } from '../component/flags.ts'

export const FLAGS = defineFlags({
  kubeconfig: { type: 'string', description: 'How to reach the API server; inside a pod, its service account by default' },
  controllers: {
    type: 'list',
    default: ['*'],
    description: "Controllers to run: '*' is all that are on by default, 'x' adds, '-x' leaves out",
  },
  ...LEADER_FLAGS,
  'cluster-cidr': { type: 'list', default: [], description: 'Ranges that nodes get their pod ranges from' },
  'allocate-node-cidrs': { type: 'bool', default: true, description: 'Give every node a pod range out of --cluster-cidr' },
  'node-cidr-mask-size': { type: 'int', default: 24, description: 'Size of one IPv4 pod range' },
  'node-cidr-mask-size-ipv6': { type: 'int', default: 64, description: 'Size of one IPv6 pod range' },
  'root-ca-file': { type: 'string', description: 'Certificate that pods verify the API server by' },
  'service-account-private-key-file': { type: 'string', description: 'Signs the tokens of service account secrets' },
  'legacy-service-account-token-secrets': {
    type: 'bool',
    default: false,
    description: 'Every service account gets a secret with a token that never expires, as before v1.24',
  },
  'legacy-service-account-token-clean-up-period': {
    type: 'duration',
    default: 365 * 24 * 3_600_000,
    description: 'How long a token secret that an account got by itself may be unused; twice that until it is deleted',
  },
  'use-service-account-credentials': {
    type: 'bool',
    default: false,
    description: 'Each controller acts as its own service account',
  },
  'cluster-signing-cert-file': { type: 'string', description: 'Authority that certificate requests are signed by' },
  'cluster-signing-key-file': { type: 'string', description: 'Its private key' },
  'cluster-signing-duration': {
    type: 'duration',
    default: 365 * 24 * 3_600_000,
    description: 'Longest validity of signed certificates',
  },
  'lb-cidr': {
    type: 'string',
    description: 'Range that services of type LoadBalancer get their addresses from; none without it',
  },
  'metrics-api-address': {
    type: 'string',
    description: 'Address at which API servers find the metrics API (metrics.k8s.io); without it there is none',
  },
  'metrics-api-port': { type: 'int', default: 10_258, description: 'Its port' },
  'requestheader-client-ca-file': { type: 'string', description: 'Authority of the certificate that API servers show it' },
  'requestheader-allowed-names': {
    type: 'list',
    default: ['front-proxy-client'],
    description: 'Common names of that certificate',
  },
  'node-monitor-grace-period': {
    type: 'duration',
    default: 40_000,
    description: 'How long a node may be silent before it counts as lost',
  },
  'node-eviction-rate': {
    type: 'float',
    default: 0.1,
    description: 'Nodes a second that lose their pods when their zone is healthy',
  },
  'secondary-node-eviction-rate': { type: 'float', default: 0.01, description: 'The same when much of the zone is lost' },
  'unhealthy-zone-threshold': { type: 'float', default: 0.55, description: 'Share of lost nodes from which a zone is unhealthy' },
  'large-cluster-size-threshold': {
    type: 'int',
    default: 50,
    description: 'Smaller zones stop evicting when they are unhealthy',
  },
  'terminated-pod-gc-threshold': { type: 'int', default: 12_500, description: 'Finished pods to keep' },
  'secure-port': { type: 'int', default: 10_257, description: 'HTTPS port for health and metrics' },
  'bind-address': { type: 'string', default: '0.0.0.0', description: 'Address of that port' },
  'tls-cert-file': { type: 'string', description: 'Certificate of that port; self-signed by default' },
  'tls-private-key-file': { type: 'string', description: 'Its private key' },
  'client-ca-file': { type: 'string', description: 'Authority of client certificates on that port' },
  'log-level': {
    type: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    description: 'Least severe messages to log',
  },
  'log-format': { type: 'string', default: 'text', choices: ['text', 'json'], description: 'Form of log lines' },
})

export type ControllerManagerFlags = ParsedFlags<typeof FLAGS>
