/** The ingress controller as objects: its class from the start, the rest once someone makes an Ingress. */
import type { KubeObject } from '../../api/object.ts'
import type { Installation } from './dns.ts'

const NAME = 'ingress'
const labels = { app: NAME }
const metadata = { name: NAME, namespace: 'kube-system', labels }
const clusterMetadata = { name: 'kubelab:ingress', labels }
const rbac = 'rbac.authorization.k8s.io'

/** Costs nothing while no Ingress asks for it. */
export const ingressClass = (): KubeObject[] =>
  [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'kubelab', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'kubelab.local/ingress' },
    },
  ] as unknown as KubeObject[]

export function ingressObjects(installation: Installation): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: clusterMetadata,
      rules: [
        { apiGroups: [''], resources: ['services', 'secrets'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
        { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'ingressclasses'], verbs: ['list', 'watch'] },
        { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['patch', 'update'] },
        { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: clusterMetadata,
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: clusterMetadata.name },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: 'kube-system' }],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        selector: labels,
        ports: [
          { name: 'http', port: 80, targetPort: 80 },
          { name: 'https', port: 443, targetPort: 443 },
        ],
      },
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: deploymentSpec(installation) },
  ] as unknown as KubeObject[]
}

/** HAProxy comes from the host with its libraries, as Node does: no image to build or to keep up to date. */
function deploymentSpec({ node, dist }: Installation) {
  const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
  const haproxy = '/usr/sbin/haproxy'
  return {
    replicas: 1,
    selector: { matchLabels: labels },
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: NAME,
        priorityClassName: 'system-cluster-critical',
        terminationGracePeriodSeconds: 30,
        tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
          key,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 5,
        })),
        containers: [
          {
            name: 'ingress',
            image: 'docker.io/kubelab/runtime:1',
            imagePullPolicy: 'IfNotPresent',
            command: [node, '--no-warnings', '--max-semi-space-size=1', `${dist}/ingress.js`],
            env: [{ name: 'LD_LIBRARY_PATH', value: libraries }],
            ports: [
              { name: 'http', containerPort: 80 },
              { name: 'https', containerPort: 443 },
            ],
            readinessProbe: { httpGet: { path: '/healthz', port: 10254 }, periodSeconds: 1 },
            livenessProbe: { httpGet: { path: '/healthz', port: 10254 }, initialDelaySeconds: 10, periodSeconds: 10 },
            resources: { requests: { cpu: '10m', memory: '60Mi' } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
            },
            volumeMounts: [
              { name: 'program', mountPath: node, readOnly: true },
              { name: 'bundles', mountPath: dist, readOnly: true },
              { name: 'haproxy', mountPath: haproxy, readOnly: true },
              { name: 'libraries', mountPath: libraries, readOnly: true },
              { name: 'state', mountPath: '/run/ingress' },
            ],
          },
        ],
        volumes: [
          { name: 'program', hostPath: { path: node, type: 'File' } },
          { name: 'bundles', hostPath: { path: dist, type: 'Directory' } },
          { name: 'haproxy', hostPath: { path: haproxy, type: 'File' } },
          { name: 'libraries', hostPath: { path: libraries, type: 'Directory' } },
          { name: 'state', emptyDir: { medium: 'Memory' } },
        ],
      },
    },
  }
}
