/** Every process of a lab as data: where it runs, its command line, what must be there before it starts. Pure. */
import path from 'node:path'
import type { Pki } from './certificates.ts'
import {
  API_PORT,
  CLUSTER_DNS,
  CLUSTER_DOMAIN,
  type LabDefinition,
  POD_RANGE,
  SERVICE_RANGE,
  cgroupOf,
  controlPlaneAddress,
  hasJoined,
  joinFiles,
  labPaths,
  loadBalancerRange,
  nodeAddress,
  podCidr,
} from './definition.ts'

export interface ProcessSpec {
  /** Unique in the lab; also the name of its log: `kubelet-node-1`. */
  name: string
  /** Runs in this node's namespaces, or in the control plane's network. */
  node?: string
  command: readonly string[]
  /** Starts once these answer: a start that would only fail and wait costs the others their processor. */
  after: readonly ('etcd' | 'api' | 'containerd')[]
}

export interface Programs {
  /** Node 24. */
  node: string
  /** Folder of the bundles. */
  dist: string
}

/** Small heaps: a lab's components hold little, and a generous young generation costs megabytes in each of ten processes. */
const YOUNG_MB = 2
/** Those that a burst of work goes through: with 2 MB a fifth of the manager's time is collection. */
const YOUNG_MB_OF: Record<string, number> = { 'kube-apiserver': 16, 'kube-controller-manager': 8 }

/** Those that the lab is made without are left out. */
export const planProcesses = (lab: LabDefinition, pki: Pki, programs: Programs): ProcessSpec[] =>
  allProcesses(lab, pki, programs)
    .filter((spec) => !isLeftOut(lab, spec))
    .map(asKept)

const LEADERS = new Set(['kube-scheduler', 'kube-controller-manager'])

/** The supervisor keeps one of each: after a kill the next need not wait until the lease of the last has run out. */
const asKept = (spec: ProcessSpec): ProcessSpec =>
  LEADERS.has(spec.name) ? { ...spec, command: [...spec.command, '--leader-elect-identity=control-plane'] } : spec

/** Where and how those would run that are left out: what stands in for them runs there, and is told the same. */
export const planLeftOut = (lab: LabDefinition, pki: Pki, programs: Programs): ProcessSpec[] =>
  allProcesses(lab, pki, programs).filter((spec) => isLeftOut(lab, spec))

const isLeftOut = ({ without = [] }: LabDefinition, { name, node }: ProcessSpec): boolean =>
  without.includes(node ? name.replace(`-${node}`, '') : name)

function allProcesses(lab: LabDefinition, pki: Pki, programs: Programs): ProcessSpec[] {
  const kubeconfig = (name: string) => path.join(labPaths(lab.name).kubeconfigs, `${name}.conf`)
  const ours = (bundle: string, ...flags: string[]) => [
    programs.node,
    `--max-semi-space-size=${YOUNG_MB_OF[bundle] ?? YOUNG_MB}`,
    '--expose-gc',
    '--no-warnings',
    path.join(programs.dist, `${bundle}.js`),
    ...flags,
  ]
  return [
    { name: 'etcd', after: [], command: etcdCommand(lab, pki) },
    {
      name: 'kube-apiserver',
      after: [],
      command: ours('kube-apiserver', ...apiServerFlags(lab, pki)),
    },
    ...lab.nodes.map((node): ProcessSpec => ({
      name: `containerd-${node}`,
      node,
      after: [],
      command: [
        'containerd',
        '--config',
        path.join(labPaths(lab.name).node(node).state, 'containerd.toml'),
        '--log-level',
        'warn',
      ],
    })),
    ...lab.nodes.map((node): ProcessSpec => ({
      name: `kubelet-${node}`,
      node,
      after: ['api', 'containerd'],
      command: ours('kubelet', ...kubeletFlags(lab, pki, node, kubeconfig(`kubelet-${node}`))),
    })),
    {
      name: 'kube-controller-manager',
      after: ['api'],
      command: ours('kube-controller-manager', ...controllerManagerFlags(lab, pki, kubeconfig('controller-manager'))),
    },
    {
      name: 'kube-scheduler',
      after: ['api'],
      command: ours(
        'kube-scheduler',
        `--kubeconfig=${kubeconfig('scheduler')}`,
        // From the host, `kubelab why` asks it; from its side, the API server does.
        '--bind-address=0.0.0.0',
        `--client-ca-file=${pki.ca.certificate}`,
      ),
    },
    ...lab.nodes.map((node): ProcessSpec => ({
      name: `kube-proxy-${node}`,
      node,
      after: ['api'],
      command: ours(
        'kube-proxy',
        `--kubeconfig=${kubeconfig('kube-proxy')}`,
        `--hostname-override=${node}`,
        `--cluster-cidr=${POD_RANGE}`,
        `--proxy-mode=${lab.proxyMode ?? 'iptables'}`,
      ),
    })),
  ]
}

const controllerManagerFlags = (lab: LabDefinition, pki: Pki, kubeconfig: string): string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--cluster-cidr=${POD_RANGE}`,
  `--root-ca-file=${pki.ca.certificate}`,
  `--service-account-private-key-file=${pki.serviceAccountKey}`,
  `--cluster-signing-cert-file=${pki.ca.certificate}`,
  `--cluster-signing-key-file=${pki.ca.key}`,
  '--use-service-account-credentials',
  // Clients and tests of Kubernetes before v1.24 wait for these.
  '--legacy-service-account-token-secrets',
  '--node-monitor-grace-period=20s',
  `--lb-cidr=${loadBalancerRange(lab)}`,
  `--metrics-api-address=${controlPlaneAddress(lab)}`,
  `--requestheader-client-ca-file=${pki.frontProxyCa.certificate}`,
  '--bind-address=127.0.0.1',
]

function etcdCommand(lab: LabDefinition, pki: Pki): string[] {
  return [
    'etcd',
    '--name=control-plane',
    `--data-dir=${labPaths(lab.name).etcd}`,
    '--listen-client-urls=https://127.0.0.1:2379',
    '--advertise-client-urls=https://127.0.0.1:2379',
    '--listen-peer-urls=https://127.0.0.1:2380',
    '--initial-advertise-peer-urls=https://127.0.0.1:2380',
    '--initial-cluster=control-plane=https://127.0.0.1:2380',
    '--client-cert-auth',
    `--trusted-ca-file=${pki.etcdCa.certificate}`,
    `--cert-file=${pki.etcdServer.certificate}`,
    `--key-file=${pki.etcdServer.key}`,
    '--peer-client-cert-auth',
    `--peer-trusted-ca-file=${pki.etcdCa.certificate}`,
    `--peer-cert-file=${pki.etcdPeer.certificate}`,
    `--peer-key-file=${pki.etcdPeer.key}`,
    '--quota-backend-bytes=2147483648',
    '--logger=zap',
    '--log-level=warn',
  ]
}

function apiServerFlags(lab: LabDefinition, pki: Pki): string[] {
  return [
    '--etcd-servers=https://127.0.0.1:2379',
    `--etcd-cafile=${pki.etcdCa.certificate}`,
    `--etcd-certfile=${pki.apiServerEtcdClient.certificate}`,
    `--etcd-keyfile=${pki.apiServerEtcdClient.key}`,
    `--encryption-provider-config=${pki.encryptionConfig}`,
    `--client-ca-file=${pki.ca.certificate}`,
    `--tls-cert-file=${pki.apiServer.certificate}`,
    `--tls-private-key-file=${pki.apiServer.key}`,
    '--bind-address=0.0.0.0',
    `--secure-port=${API_PORT}`,
    `--advertise-address=${controlPlaneAddress(lab)}`,
    `--service-account-key-file=${pki.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${pki.serviceAccountKey}`,
    `--service-account-issuer=https://kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    `--kubelet-client-certificate=${pki.apiServerKubeletClient.certificate}`,
    `--kubelet-client-key=${pki.apiServerKubeletClient.key}`,
    `--kubelet-certificate-authority=${pki.ca.certificate}`,
    '--authorization-mode=Node,RBAC',
    `--audit-policy-file=${labPaths(lab.name).auditPolicy}`,
    `--audit-log-path=${labPaths(lab.name).auditLog}`,
    '--audit-log-maxsize=16',
    '--audit-log-maxbackup=3',
    `--requestheader-client-ca-file=${pki.frontProxyCa.certificate}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki.frontProxyClient.certificate}`,
    `--proxy-client-key-file=${pki.frontProxyClient.key}`,
  ]
}

function kubeletFlags(lab: LabDefinition, pki: Pki, node: string, kubeconfig: string): string[] {
  return [
    ...identityFlags(lab, pki, node, kubeconfig),
    '--rotate-certificates',
    `--hostname-override=${node}`,
    `--node-ip=${nodeAddress(lab, node)}`,
    '--container-runtime-endpoint=unix:///run/containerd/containerd.sock',
    `--pod-cidr=${podCidr(lab, node)}`,
    `--cluster-dns=${CLUSTER_DNS}`,
    `--cluster-domain=${CLUSTER_DOMAIN}`,
    `--cgroup-root=${cgroupOf(lab, node)}`,
    '--resolv-conf=/var/lib/kubelet/resolv.conf',
    // The disk is the machine's: what else fills it is no reason to end pods, and images loaded by hand cannot come back.
    '--eviction-hard=memory.available<50Mi,nodefs.available<200Mi',
    '--image-gc-high-threshold=100',
    `--client-ca-file=${pki.ca.certificate}`,
  ]
}

/** The lab made the certificates of its first nodes, as kubeadm makes those of the node it is run on; others ask for theirs. */
function identityFlags(lab: LabDefinition, pki: Pki, node: string, kubeconfig: string): string[] {
  if (hasJoined(lab, node)) {
    const files = joinFiles(lab, node)
    return [
      `--bootstrap-kubeconfig=${files.bootstrapKubeconfig}`,
      `--kubeconfig=${files.kubeconfig}`,
      '--rotate-server-certificates',
    ]
  }
  const { serving } = pki.kubelets[node]!
  return [`--kubeconfig=${kubeconfig}`, `--tls-cert-file=${serving.certificate}`, `--tls-private-key-file=${serving.key}`]
}
