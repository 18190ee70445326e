/** Cluster DNS as objects: a Deployment in kube-system behind the `kube-dns` service, with the rights to read what it answers from. */
import type { KubeObject } from '../../api/object.ts'
import { CLUSTER_DNS, CLUSTER_DOMAIN } from '../definition.ts'

export interface Installation {
  /** The Node program and the folder of the bundles on the host: addons run from it as the other components do. */
  node: string
  dist: string
  /** Resolvers outside; none when the lab has no way out. */
  upstream: readonly string[]
}

const NAME = 'kube-dns'
const labels = { 'k8s-app': NAME }
const metadata = (extra: object = {}) => ({
  name: NAME,
  namespace: 'kube-system',
  labels: { ...labels, 'kubernetes.io/name': 'KubeDNS' },
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
      metadata: metadata(),
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

function deploymentSpec({ node, dist, upstream }: Installation) {
  return {
    replicas: 1,
    selector: { matchLabels: labels },
    // Names must go on being answered while it is replaced.
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: NAME,
        priorityClassName: 'system-cluster-critical',
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 2,
        // A node that is gone is not worth five minutes without names.
        tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
          key,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 5,
        })),
        containers: [
          {
            name: 'dns',
            image: 'docker.io/kubelab/runtime:1',
            imagePullPolicy: 'IfNotPresent',
            command: [
              node,
              '--no-warnings',
              '--max-semi-space-size=1',
              `${dist}/kube-dns.js`,
              `--domain=${CLUSTER_DOMAIN}`,
              ...(upstream.length > 0 ? [`--upstream=${upstream.join(',')}`] : []),
            ],
            ports: [
              { name: 'dns', containerPort: 53, protocol: 'UDP' },
              { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
            ],
            readinessProbe: { tcpSocket: { port: 53 }, periodSeconds: 2 },
            livenessProbe: { tcpSocket: { port: 53 }, periodSeconds: 10, failureThreshold: 3 },
            resources: { requests: { cpu: '10m', memory: '40Mi' } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
            },
            volumeMounts: [
              { name: 'program', mountPath: node, readOnly: true },
              { name: 'bundles', mountPath: dist, readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: 'program', hostPath: { path: node, type: 'File' } },
          { name: 'bundles', hostPath: { path: dist, type: 'Directory' } },
        ],
      },
    },
  }
}
