import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSecureServer, type Attempt, type KeyPair, type SecureServer } from './secure-server.ts'

let server: SecureServer
let kubelet: KeyPair

const core = (where: string) => `/api/v1/namespaces/default/${where}`
const named = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest })
const uids = new Map<string, string>()
const containers = [{ name: 'c', image: 'i' }]

beforeAll(async () => {
  server = await startSecureServer()
  kubelet = await server.read(server.pki.kubelets['node-1']!.client)
  for (const node of ['node-1', 'node-2']) {
    await server.admin('POST', '/api/v1/nodes', named(node))
    await server.admin('POST', core('serviceaccounts'), named(`robot-${node}`))
    await server.admin('POST', core('secrets'), named(`secret-${node}`))
    await server.admin('POST', core('configmaps'), named(`map-${node}`))
    const volumes = [
      { name: 's', secret: { secretName: `secret-${node}` } },
      { name: 'm', configMap: { name: `map-${node}` } },
      { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
    ]
    const spec = { nodeName: node, serviceAccountName: `robot-${node}`, volumes, containers }
    const { metadata } = await server.admin('POST', core('pods'), named(`pod-${node}`, { spec }))
    uids.set(`pod-${node}`, String(metadata['uid']))
  }
})
afterAll(() => server.stop())

describe('a kubelet', () => {
  it.each<[string, Attempt, number]>([
    ['reads a secret of its pod', { path: core('secrets/secret-node-1') }, 200],
    ['reads a config map of its pod', { path: core('configmaps/map-node-1') }, 200],
    ['lists its pods', { path: '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1' }, 200],
    ['patches its status', { method: 'PATCH', path: '/api/v1/nodes/node-1/status', body: { status: { phase: 'Running' } } }, 200],
    [
      'says how its pod fares',
      { method: 'PATCH', path: core('pods/pod-node-1/status'), body: { status: { message: 'm' } } },
      200,
    ],
  ])('%s', async (_, attempt, code) => {
    const answer = await server.call({ ...attempt, certificate: kubelet })
    expect(answer.code, answer.text).toBe(code)
  })

  it.each<[string, Attempt]>([
    ["read another node's secret", { path: core('secrets/secret-node-2') }],
    ["read another node's config map", { path: core('configmaps/map-node-2') }],
    ['list secrets', { path: core('secrets') }],
    ['list all secrets', { path: '/api/v1/secrets' }],
    ["watch another node's secret", { path: core('secrets?watch=1&fieldSelector=metadata.name%3Dsecret-node-2') }],
    ["list another node's pods", { path: '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2' }],
    ['list all pods', { path: '/api/v1/pods' }],
    ['patch another node', { method: 'PATCH', path: '/api/v1/nodes/node-2', body: { metadata: { labels: { a: 'b' } } } }],
    [
      "patch another node's status",
      { method: 'PATCH', path: '/api/v1/nodes/node-2/status', body: { status: { phase: 'Running' } } },
    ],
    ['delete a node, itself too', { method: 'DELETE', path: '/api/v1/nodes/node-1' }],
    ['make a node of another name', { method: 'POST', path: '/api/v1/nodes', body: named('node-3') }],
    [
      'label itself as what it is not',
      {
        method: 'PATCH',
        path: '/api/v1/nodes/node-1',
        body: { metadata: { labels: { 'node-restriction.kubernetes.io/trusted': 'yes' } } },
      },
    ],
    [
      'take its taints away',
      { method: 'PATCH', path: '/api/v1/nodes/node-1', body: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } } },
    ],
    [
      "say how another node's pod fares",
      { method: 'PATCH', path: core('pods/pod-node-2/status'), body: { status: { message: 'm' } } },
    ],
    ["delete another node's pod", { method: 'DELETE', path: core('pods/pod-node-2') }],
    [
      "evict another node's pod",
      {
        method: 'POST',
        path: core('pods/pod-node-2/eviction'),
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'pod-node-2' } },
      },
    ],
    [
      'make a pod that is no mirror',
      { method: 'POST', path: core('pods'), body: named('p', { spec: { nodeName: 'node-1', containers } }) },
    ],
    [
      'make a mirror pod with an account',
      {
        method: 'POST',
        path: core('pods'),
        body: {
          metadata: { name: 'p', annotations: { 'kubernetes.io/config.mirror': 'x' } },
          spec: { nodeName: 'node-1', serviceAccountName: 'robot-node-1', containers },
        },
      },
    ],
    [
      'ask for a token that is bound to nothing',
      { method: 'POST', path: core('serviceaccounts/robot-node-1/token'), body: { spec: {} } },
    ],
    [
      "hold another node's lease",
      { method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', body: named('node-2') },
    ],
    [
      'hold a lease of the control plane',
      { method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', body: named('kube-scheduler') },
    ],
    ['read roles', { path: '/apis/rbac.authorization.k8s.io/v1/clusterroles' }],
    ['be somebody else', { path: '/api/v1/secrets', headers: { 'impersonate-user': 'kubernetes-admin' } }],
  ])('may not %s', async (_, attempt) => {
    const answer = await server.call({ ...attempt, certificate: kubelet })
    expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
    const event = await server.recorded(answer)
    expect([event.user.username, event.responseStatus.code]).toEqual(['system:node:node-1', 403])
  })

  describe('asks for tokens', () => {
    const ask = (account: string, pod: string, audiences: string[] = []) => {
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: pod, uid: uids.get(pod) }
      const path = core(`serviceaccounts/${account}/token`)
      return server.call({ method: 'POST', path, body: { spec: { boundObjectRef, audiences } }, certificate: kubelet })
    }

    it("of its pods' accounts, bound to the pod", async () => {
      const answer = await ask('robot-node-1', 'pod-node-1')
      expect(answer.code, answer.text).toBe(201)
    })

    it("and not of another node's, nor for another node's pod", async () => {
      const answers = [
        await ask('robot-node-2', 'pod-node-2'),
        await ask('robot-node-1', 'pod-node-2'),
        // Nor for somebody whom its pod has nothing to do with.
        await ask('robot-node-1', 'pod-node-1', ['bank']),
      ]
      for (const answer of answers) {
        expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
        expect((await server.recorded(answer)).responseStatus.code).toBe(403)
      }
    })

    it('which are never recorded', async () => {
      const answer = await ask('robot-node-1', 'pod-node-1')
      expect(answer.code, answer.text).toBe(201)
      const event = await server.recorded(answer)
      expect(event.level).toBe('Metadata')
      expect(JSON.stringify(event)).not.toContain(String(answer.json.status['token']))
    })
  })
})
