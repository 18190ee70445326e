import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { createMemoryReader } from '../../memory-reader.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph, referencesOf } from './node-graph.ts'
import type { RequestAttributes } from '../user.ts'

const object = (kind: string, name: string, namespace: string | undefined, more: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace, uid: name },
  ...more,
})

const podOn = (node: string | undefined, name = 'web') =>
  object('Pod', name, 'default', {
    spec: {
      nodeName: node,
      serviceAccountName: 'robot',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        {
          name: 'c',
          env: [
            { name: 'A', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'k' } } },
            { name: 'B', valueFrom: { configMapKeyRef: { name: 'env-config', key: 'k' } } },
          ],
          envFrom: [{ secretRef: { name: 'from-secret' } }],
        },
      ],
      volumes: [
        { name: 'v1', secret: { secretName: 'volume-secret' } },
        { name: 'v2', persistentVolumeClaim: { claimName: 'claim' } },
        { name: 'v3', ephemeral: {} },
        { name: 'v4', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
      ],
    },
  })

const reader = createMemoryReader([
  object('PersistentVolumeClaim', 'claim', 'default', { spec: { volumeName: 'pv' } }),
  object('PersistentVolume', 'pv', undefined, {
    spec: {
      claimRef: { namespace: 'default', name: 'claim' },
      csi: { nodeStageSecretRef: { namespace: 'drivers', name: 'stage' } },
    },
  }),
  object('PersistentVolume', 'other-pv', undefined, { spec: { claimRef: { namespace: 'default', name: 'other' } } }),
  object('VolumeAttachment', 'va', undefined, { spec: { nodeName: 'n1' } }),
])

function judge(verb: string, resource: string, where = '', fieldSelector?: string, node = 'n1') {
  const authorizer = createNodeAuthorizer(reader)
  authorizer.onPodChange(podOn('n1'), false)
  authorizer.onPodChange(podOn('n2', 'elsewhere'), false)
  const [plural = '', apiGroup = ''] = resource.split(/\.(.*)/s)
  const [name = '', subresource = ''] = plural.split('/')
  const [namespace = '', objectName = ''] = where.split('/')
  const request: RequestAttributes = {
    user: { username: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] },
    verb,
    resource: name,
    subresource,
    apiGroup,
    apiVersion: 'v1',
    namespace,
    name: objectName,
    path: '',
    isResourceRequest: true,
    fieldSelector,
  }
  return authorizer.authorize(request)
}

describe('the Node authorizer', () => {
  it.each([
    ['get', 'secrets', 'default/volume-secret'],
    ['watch', 'secrets', 'default/env-secret'],
    ['list', 'secrets', 'default/from-secret'],
    ['get', 'secrets', 'default/pull'],
    ['get', 'secrets', 'drivers/stage'],
    ['get', 'configmaps', 'default/env-config'],
    ['get', 'configmaps', 'default/kube-root-ca.crt'],
    ['get', 'persistentvolumeclaims', 'default/claim'],
    ['patch', 'persistentvolumeclaims/status', 'default/claim'],
    ['get', 'persistentvolumeclaims', 'default/web-v3'],
    ['get', 'persistentvolumes', '/pv'],
    ['get', 'volumeattachments.storage.k8s.io', '/va'],
    ['create', 'serviceaccounts/token', 'default/robot'],
    ['update', 'leases.coordination.k8s.io', 'kube-node-lease/n1'],
    ['create', 'leases.coordination.k8s.io', 'kube-node-lease/'],
    ['get', 'csinodes.storage.k8s.io', '/n1'],
    ['get', 'pods', 'default/web'],
    ['patch', 'pods/status', 'default/web'],
    ['get', 'nodes', '/n1'],
    ['patch', 'nodes/status', '/n1'],
    ['list', 'services', ''],
    ['create', 'events', 'default/'],
  ])('lets a node %s %s %s', (verb, resource, where) => {
    expect(judge(verb, resource, where)).toEqual({ allowed: true, reason: '' })
  })

  it.each([
    ['get', 'secrets', 'default/unused', "no relationship found between node 'n1' and this object"],
    ['get', 'secrets', 'other/volume-secret', "no relationship found between node 'n1' and this object"],
    ['list', 'secrets', 'default/', 'No Object name found'],
    ['list', 'secrets', '', 'can only read namespaced object of this type'],
    ['update', 'secrets', 'default/volume-secret', 'can only read resources of this type'],
    ['get', 'persistentvolumes', '/other-pv', "no relationship found between node 'n1' and this object"],
    ['create', 'serviceaccounts/token', 'default/admin', "no relationship found between node 'n1' and this object"],
    ['delete', 'serviceaccounts', 'default/robot', 'can only create tokens for individual service accounts'],
    [
      'update',
      'leases.coordination.k8s.io',
      'kube-node-lease/n2',
      'can only access node lease with the same name as the requesting node',
    ],
    ['get', 'leases.coordination.k8s.io', 'default/n1', 'can only access leases in the "kube-node-lease" system namespace'],
    ['get', 'pods', 'default/elsewhere', "no relationship found between node 'n1' and this object"],
    ['get', 'nodes', '/n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['get', 'deployments.apps', 'default/x', ''],
  ])('does not let a node %s %s %s', (verb, resource, where, reason) => {
    expect(judge(verb, resource, where)).toEqual({ allowed: false, reason })
  })

  it('lets a node list its own pods only, once it is told the field selector', () => {
    expect(judge('list', 'pods', '', 'spec.nodeName=n1').allowed).toBe(true)
    expect(judge('watch', 'pods', '', 'spec.nodeName==n1,status.phase!=Failed').allowed).toBe(true)
    expect(judge('list', 'pods', '', 'spec.nodeName=n2').reason).toBe(
      'can only list/watch pods with spec.nodeName field selector',
    )
    expect(judge('list', 'pods', '', '').allowed).toBe(false)
  })

  it('does not know a node without a name', () => {
    expect(judge('get', 'nodes', '/n1', undefined, '').reason).toBe('unknown node for user "system:node:"')
  })
})

describe('the node graph', () => {
  it('forgets what a pod needed when it is gone, but not what another still needs', () => {
    const graph = createNodeGraph()
    graph.onPodChange(podOn('n1', 'a') as never, false)
    graph.onPodChange(podOn('n1', 'b') as never, false)
    graph.onPodChange(podOn('n1', 'a') as never, true)
    expect(graph.needs('n1', 'secrets/default/pull')).toBe(true)
    graph.onPodChange(podOn('n1', 'b') as never, true)
    expect(graph.needs('n1', 'secrets/default/pull')).toBe(false)
  })

  it('follows a pod when it is bound, and does not count a repeated event twice', () => {
    const graph = createNodeGraph()
    graph.onPodChange(podOn(undefined) as never, false)
    expect(graph.needs('n1', 'pods/default/web')).toBe(false)
    for (let i = 0; i < 3; i++) graph.onPodChange(podOn('n1') as never, false)
    graph.onPodChange(podOn('n1') as never, true)
    expect(graph.needs('n1', 'pods/default/web')).toBe(false)
  })

  it('gives a mirror pod no right to anything but itself', () => {
    const pod = podOn('n1')
    pod.metadata.annotations = { 'kubernetes.io/config.mirror': 'x' }
    expect([...referencesOf(pod as never)]).toEqual(['pods/default/web'])
  })
})
