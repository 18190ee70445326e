/** The ingress controller as objects: its class from the start, the rest once someone makes an Ingress. */
import type { KubeObject } from '../../api/object.ts'
import { hostProgramSpec, type Installation } from './host-program.ts'

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

/** HAProxy comes from the host with its libraries, as Node does. */
function deploymentSpec(installation: Installation) {
  const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
  return hostProgramSpec(installation, {
    name: NAME,
    labels,
    bundle: 'ingress.js',
    mounts: {
      haproxy: { path: '/usr/sbin/haproxy', type: 'File' },
      libraries: { path: libraries, type: 'Directory' },
    },
    volumes: [{ name: 'state', mountPath: '/run/ingress', source: { emptyDir: { medium: 'Memory' } } }],
    pod: { terminationGracePeriodSeconds: 30 },
    container: {
      name: NAME,
      env: [{ name: 'LD_LIBRARY_PATH', value: libraries }],
      ports: [
        { name: 'http', containerPort: 80 },
        { name: 'https', containerPort: 443 },
      ],
      readinessProbe: { httpGet: { path: '/healthz', port: 10254 }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: '/healthz', port: 10254 }, initialDelaySeconds: 10, periodSeconds: 10 },
      resources: { requests: { cpu: '10m', memory: '60Mi' } },
    },
  })
}
