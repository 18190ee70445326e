/** The rights behind `kubectl top` and autoscaling: what the controller manager's metrics API may read, and who may ask it. */
import type { KubeObject } from '../../api/object.ts'

const api = 'kubelab:metrics-api'
const readers = 'system:aggregated-metrics-reader'
const rbac = 'rbac.authorization.k8s.io'

export const metricsObjects = (): KubeObject[] =>
  [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: {
        name: readers,
        labels: Object.fromEntries(
          ['admin', 'edit', 'view'].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true']),
        ),
      },
      rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: api },
      rules: [
        { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['list'] },
        { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] },
        { apiGroups: [''], resources: ['services'], verbs: ['create', 'patch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['create', 'patch'] },
        { apiGroups: ['apiregistration.k8s.io'], resources: ['apiservices'], verbs: ['get', 'create', 'patch'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: api },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: api },
      subjects: [{ kind: 'ServiceAccount', name: 'metrics-api', namespace: 'kube-system' }],
    },
  ] as unknown as KubeObject[]
