/** The command line, under upstream's names. */
import { defineFlags, FlagError, parseFlags } from '../component/flags.ts'

const FLAGS = defineFlags({
  'advertise-address': { type: 'string', description: 'Address that members of the cluster reach this server at.', default: '' },
  'allow-privileged': {
    type: 'bool',
    description: 'Taken for compatibility: privileged containers are always allowed.',
    default: true,
  },
  'anonymous-auth': { type: 'bool', description: 'Requests without credentials are those of system:anonymous.', default: true },
  'api-audiences': { type: 'list', description: 'Audiences that a token must be meant for. Default: the issuers.', default: [] },
  'audit-log-maxage': { type: 'int', description: 'Days that rotated audit logs are kept; 0 for ever.', default: 0 },
  'audit-log-maxbackup': { type: 'int', description: 'Rotated audit logs that are kept; 0 for all.', default: 0 },
  'audit-log-maxsize': { type: 'int', description: 'Megabytes of an audit log before it is rotated.', default: 100 },
  'audit-log-path': { type: 'string', description: 'Where requests are recorded, as lines of JSON.', default: '' },
  'audit-policy-file': { type: 'string', description: 'Policy of what is recorded; without one nothing is.', default: '' },
  'authorization-mode': { type: 'list', description: 'Node and RBAC are always on.', default: ['Node', 'RBAC'] },
  'bind-address': { type: 'string', description: 'Address to listen on.', default: '0.0.0.0' },
  'client-ca-file': { type: 'string', description: 'Authorities that vouch for client certificates.', required: true },
  'disable-admission-plugins': { type: 'list', description: 'Admission plugins to leave out.', default: [] },
  'enable-admission-plugins': { type: 'list', description: 'Admission plugins to run beside the default ones.', default: [] },
  'enable-priority-and-fairness': {
    type: 'bool',
    description: 'Requests wait and run by flow schemas and priority levels, which share the sum of the two limits in flight.',
    default: true,
  },
  'encryption-provider-config': {
    type: 'string',
    description: 'EncryptionConfiguration: what is encrypted at rest, and how.',
    default: '',
  },
  'etcd-cafile': { type: 'string', description: 'Authority of etcd.', required: true },
  'etcd-certfile': { type: 'string', description: 'Client certificate for etcd.', required: true },
  'etcd-keyfile': { type: 'string', description: 'Its key.', required: true },
  'etcd-prefix': { type: 'string', description: 'Where the objects are in etcd.', default: '/registry', choices: ['/registry'] },
  'etcd-servers': { type: 'list', description: 'https://HOST:PORT of each member of etcd.', required: true },
  'event-ttl': { type: 'duration', description: 'How long events are kept.', default: 3_600_000 },
  'kubelet-certificate-authority': {
    type: 'string',
    description: "Authority of the kubelets' serving certificates.",
    default: '',
  },
  'kubelet-client-certificate': { type: 'string', description: 'Client certificate for kubelets.', default: '' },
  'kubelet-client-key': { type: 'string', description: 'Its key.', default: '' },
  'log-format': { type: 'string', description: 'Format of the log.', default: 'text', choices: ['text', 'json'] },
  'max-mutating-requests-inflight': {
    type: 'int',
    description:
      'Added to --max-requests-inflight for the seats of priority levels. Without these: writes at work at once; 0 for no limit.',
    default: 200,
  },
  'max-requests-inflight': {
    type: 'int',
    description:
      'Added to --max-mutating-requests-inflight for the seats of priority levels. Without these: reads at work at once; 0 for no limit.',
    default: 400,
  },
  profiling: {
    type: 'bool',
    description: "Serve /debug/pprof/profile: a CPU profile in V8's .cpuprofile format, not pprof's.",
    default: true,
  },
  'proxy-client-cert-file': { type: 'string', description: 'Client certificate for other API servers.', default: '' },
  'proxy-client-key-file': { type: 'string', description: 'Its key.', default: '' },
  'requestheader-allowed-names': {
    type: 'list',
    description: 'Common names of front proxies; empty for all that their authority signed.',
    default: [],
  },
  'requestheader-client-ca-file': { type: 'string', description: 'Authority of front proxies.', default: '' },
  'requestheader-extra-headers-prefix': {
    type: 'list',
    description: 'Prefix of headers with extra information.',
    default: ['X-Remote-Extra-'],
  },
  'requestheader-group-headers': { type: 'list', description: 'Headers with groups.', default: ['X-Remote-Group'] },
  'requestheader-uid-headers': { type: 'list', description: 'Headers with the uid.', default: ['X-Remote-Uid'] },
  'requestheader-username-headers': { type: 'list', description: 'Headers with the user name.', default: ['X-Remote-User'] },
  'secure-port': { type: 'int', description: 'Port to listen on.', default: 6443 },
  'service-account-issuer': { type: 'list', description: 'Issuer of tokens; the first signs, all are accepted.', required: true },
  'service-account-key-file': { type: 'list', description: 'Keys that service-account tokens may be signed with.', default: [] },
  'service-account-signing-key-file': { type: 'string', description: 'Key that signs service-account tokens.', required: true },
  'service-cluster-ip-range': { type: 'list', description: 'Range of cluster IPs.', default: ['10.96.0.0/16'] },
  'service-node-port-range': { type: 'string', description: 'Range of node ports.', default: '30000-32767' },
  'shutdown-delay-duration': { type: 'duration', description: 'How long to serve on, not ready, before stopping.', default: 0 },
  'tls-cert-file': { type: 'string', description: 'Serving certificate.', required: true },
  'tls-private-key-file': { type: 'string', description: 'Its key.', required: true },
  'token-auth-file': { type: 'string', description: 'CSV of static tokens: token,user,uid,"group,group".', default: '' },
  v: { type: 'int', description: 'Verbosity: 4 and above logs debugging.', default: 0 },
})

export type ApiServerFlags = ReturnType<typeof readFlags>

export function readFlags(argv: readonly string[]) {
  const { flags } = parseFlags(FLAGS, argv, 'kube-apiserver')
  const port = /^(\d+)-(\d+)$/.exec(flags['service-node-port-range'])
  if (!port || Number(port[1]) > Number(port[2]))
    throw new FlagError(
      `invalid argument ${JSON.stringify(flags['service-node-port-range'])} for "--service-node-port-range": must be FIRST-LAST`,
    )
  const [reads, writes] = [flags['max-requests-inflight'], flags['max-mutating-requests-inflight']]
  if (flags['enable-priority-and-fairness'] && reads + writes <= 0)
    throw new FlagError(
      `invalid configuration: MaxRequestsInFlight=${reads} and MaxMutatingRequestsInFlight=${writes}; they must add up to something positive`,
    )
  return { ...flags, nodePorts: { first: Number(port[1]), last: Number(port[2]) } }
}
