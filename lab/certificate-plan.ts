/** Which certificates a lab needs, as data: subjects, names, usages and who signs them. Files are laid out as kubeadm does. */

export interface PkiOptions {
  /** A kubelet's serving certificate names its node and these addresses. */
  nodes: readonly { name: string; addresses: readonly string[] }[]
  /** Addresses and further names under which clients reach the API servers; `kubernetes.default.svc…` and localhost are always there. */
  apiServerAddresses: readonly string[]
  /** Addresses and names of the etcd members; localhost is always there. */
  etcdAddresses?: readonly string[]
  /** The first address of the service range, where pods find the API server. */
  serviceAddress?: string
  clusterDomain?: string
  now?: Date
}

type Usage = 'server' | 'client'

export interface WantedCertificate {
  /** Path under the folder, without `.crt` and `.key`. */
  file: string
  /** The file of the authority that signs it; absent for the authorities themselves. */
  authority?: string
  commonName: string
  organization?: string
  usages: readonly Usage[]
  /** DNS names and IP addresses. */
  names: readonly string[]
}

const client = (file: string, commonName: string, organization?: string): WantedCertificate => ({
  file,
  authority: 'ca',
  commonName,
  ...(organization && { organization }),
  usages: ['client'],
  names: [],
})

const authority = (file: string, commonName: string): WantedCertificate => ({ file, commonName, usages: [], names: [commonName] })

/** Pure: every certificate that the lab needs, authorities first. */
export function planCertificates(options: PkiOptions): WantedCertificate[] {
  const domain = options.clusterDomain ?? 'cluster.local'
  const local = ['localhost', '127.0.0.1']
  const etcdNames = distinct([...local, '::1', ...(options.etcdAddresses ?? [])])
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`]
  return [
    authority('ca', 'kubernetes'),
    authority('front-proxy-ca', 'front-proxy-ca'),
    authority('etcd/ca', 'etcd-ca'),
    // etcd's gateway dials its own server with the serving certificate, and peers dial each other.
    { file: 'etcd/server', authority: 'etcd/ca', commonName: 'etcd', usages: ['server', 'client'], names: etcdNames },
    { file: 'etcd/peer', authority: 'etcd/ca', commonName: 'etcd', usages: ['server', 'client'], names: etcdNames },
    { ...client('apiserver-etcd-client', 'kube-apiserver-etcd-client'), authority: 'etcd/ca' },
    {
      file: 'apiserver',
      authority: 'ca',
      commonName: 'kube-apiserver',
      usages: ['server'],
      names: distinct([...service, ...local, options.serviceAddress ?? '10.96.0.1', ...options.apiServerAddresses]),
    },
    // The group that kubeadm uses: its rights come from a binding, so they can be taken away; those of system:masters cannot.
    client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client', 'kubeadm:cluster-admins'),
    { ...client('front-proxy-client', 'front-proxy-client'), authority: 'front-proxy-ca' },
    client('scheduler', 'system:kube-scheduler'),
    client('controller-manager', 'system:kube-controller-manager'),
    client('kube-proxy', 'system:kube-proxy'),
    client('admin', 'kubernetes-admin', 'system:masters'),
    ...options.nodes.flatMap(({ name, addresses }): WantedCertificate[] => [
      client(`nodes/${name}/kubelet-client`, `system:node:${name}`, 'system:nodes'),
      {
        ...client(`nodes/${name}/kubelet-serving`, `system:node:${name}`, 'system:nodes'),
        usages: ['server'],
        names: distinct([name, ...addresses]),
      },
    ]),
  ]
}

export const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]
