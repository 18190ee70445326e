/** Cluster DNS as objects: a Deployment in kube-system behind the `kube-dns` service, with the rights to read what it answers from. */
import type { KubeObject } from '../../api/object.ts'
import { CLUSTER_DNS, CLUSTER_DOMAIN } from '../definition.ts'
import { hostProgramSpec, type Installation } from './host-program.ts'

const NAME = 'kube-dns'
const labels = { 'k8s-app': NAME }
const nameLabels = { ...labels, 'kubernetes.io/name': 'KubeDNS' }
const metadata = (extra: object = {}) => ({
  name: NAME,
  namespace: 'kube-system',
  labels: nameLabels,
  ...extra,
})
const clusterMetadata = { name: 'system:kube-dns-reader', labels }

export function dnsObjects(installation: Installation): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata() },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: clusterMetadata,
      rules: [
        { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: clusterMetadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterMetadata.name },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: 'kube-system' }],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      // Those with this label are what `kubectl cluster-info` tells of.
      metadata: metadata({ labels: { ...nameLabels, 'kubernetes.io/cluster-service': 'true' } }),
      spec: {
        clusterIP: CLUSTER_DNS,
        selector: labels,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        ],
      },
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(), spec: deploymentSpec(installation) },
  ] as unknown as KubeObject[]
}

const deploymentSpec = (installation: Installation) =>
  hostProgramSpec(installation, {
    name: NAME,
    labels,
    bundle: 'kube-dns.js',
    flags: [
      `--domain=${CLUSTER_DOMAIN}`,
      ...(installation.upstream.length > 0 ? [`--upstream=${installation.upstream.join(',')}`] : []),
    ],
    pod: { dnsPolicy: 'Default', terminationGracePeriodSeconds: 5 },
    container: {
      name: 'dns',
      ports: [
        { name: 'dns', containerPort: 53, protocol: 'UDP' },
        { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
      ],
      readinessProbe: { tcpSocket: { port: 53 }, periodSeconds: 2 },
      livenessProbe: { tcpSocket: { port: 53 }, periodSeconds: 10, failureThreshold: 3 },
      resources: { requests: { cpu: '10m', memory: '40Mi' } },
    },
  })
