import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { attributesOf, createFixture, made, madeIn } from '../admission-fixture.ts'
import { nodeRestriction } from './node-restriction.ts'
import type { AdmissionAttributes } from '../plugin.ts'

const tokenVolume = (audience?: string) => ({
  name: 'token',
  projected: { sources: [{ serviceAccountToken: { path: 'token', ...(audience && { audience }) } }] },
})
const fixture = createFixture(
  made('Node', 'n1'),
  madeIn('ns', 'Pod', 'mine', { spec: { nodeName: 'n1', volumes: [tokenVolume(), tokenVolume('vault')] } }),
  madeIn('ns', 'Pod', 'other', { spec: { nodeName: 'n2' } }),
)
const asNode = { username: 'system:node:n1', groups: ['system:nodes'] }
const act = (resource: string, object: KubeObject | undefined, more: Partial<AdmissionAttributes> = {}) =>
  fixture.run(nodeRestriction, attributesOf(resource, object, { user: asNode, ...more }))

const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-n1', controller: true }
const mirror = (spec: object = {}, metadata: object = {}) =>
  madeIn('ns', 'Pod', 'm', {
    metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner], ...metadata },
    spec: { nodeName: 'n1', containers: [], ...spec },
  })
const node = (labels: Record<string, string> = {}, taints: object[] = []) =>
  made('Node', 'n1', { metadata: { labels }, spec: { taints } })
const token = (boundObjectRef?: object, audiences: string[] = []) =>
  made('TokenRequest', 'robot', { spec: { audiences, boundObjectRef } })
const bound = (name: string, ...audiences: string[]) =>
  token({ apiVersion: 'v1', kind: 'Pod', name, uid: `uid-${name}` }, audiences)

const der = (tag: number, ...parts: Buffer[]) => Buffer.concat([Buffer.from([tag, Buffer.concat(parts).length]), ...parts])
/** As far as it is read here: who it is for. */
function requestFor(commonName: string, signer = 'kube-apiserver-client-kubelet'): KubeObject {
  const name = der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName))))
  const bytes = der(0x30, der(0x30, Buffer.from('020100', 'hex'), der(0x30, name)))
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  const request = Buffer.from(pem).toString('base64')
  return made('CertificateSigningRequest', 'csr', { spec: { signerName: `kubernetes.io/${signer}`, request } })
}
const CSRS = 'certificatesigningrequests.certificates.k8s.io'
const podStatus = (name: string, labels: object = {}) => ({
  object: madeIn('ns', 'Pod', name, { metadata: { labels } }),
  oldObject: fixture.reader.get('Pod', { namespace: 'ns', name }) as KubeObject,
})

describe('NodeRestriction', () => {
  it.each<[string, string, KubeObject | undefined, Partial<AdmissionAttributes>]>([
    ['creates a mirror pod of its own', 'pods', mirror(), {}],
    ['deletes a pod of its own', 'pods', undefined, { operation: 'DELETE', name: 'mine' }],
    ['reports on a pod of its own', 'pods', undefined, { operation: 'UPDATE', subresource: 'status', ...podStatus('mine') }],
    ['deletes it by that', 'pods', undefined, { operation: 'DELETE', subresource: 'eviction', name: 'mine' }],
    ['evicts a pod of its own', 'pods', made('Eviction', 'mine'), { subresource: 'eviction', name: 'mine' }],
    [
      'registers itself',
      'nodes',
      node({ 'kubernetes.io/hostname': 'n1', 'example.com/x': 'y', 'node.kubernetes.io/z': 'y' }),
      {},
    ],
    ['asks for a token of a pod of its own', 'serviceaccounts', bound('mine'), { subresource: 'token' }],
    ['asks for one for whom the pod names', 'serviceaccounts', bound('mine', 'vault'), { subresource: 'token' }],
    ['asks for its own next certificate', CSRS, requestFor('system:node:n1'), {}],
    ['asks for what is not about nodes', CSRS, requestFor('someone', 'kube-apiserver-client'), {}],
    [
      'creates its lease',
      'leases.coordination.k8s.io',
      madeIn('kube-node-lease', 'Lease', 'n1'),
      { namespace: 'kube-node-lease' },
    ],
    ['writes anything that is not its concern', 'events', madeIn('ns', 'Event', 'e'), {}],
  ])('a node %s', async (_, resource, object, more) => {
    await expect(act(resource, object, more)).resolves.toBeDefined()
  })

  it.each<[string, string, KubeObject | undefined, Partial<AdmissionAttributes>]>([
    ['node "n1" can only create mirror pods', 'pods', madeIn('ns', 'Pod', 'p', { spec: { nodeName: 'n1' } }), {}],
    ['node "n1" can only create pods with spec.nodeName set to itself', 'pods', mirror({ nodeName: 'n2' }), {}],
    ['node "n1" can only create pods with an owner reference set to itself', 'pods', mirror({}, { ownerReferences: [] }), {}],
    ['node n1 UID mismatch: expected old got uid-n1', 'pods', mirror({}, { ownerReferences: [{ ...owner, uid: 'old' }] }), {}],
    ['node "n1" can not create pods that reference a service account', 'pods', mirror({ serviceAccountName: 'x' }), {}],
    ['can not create pods that reference secrets', 'pods', mirror({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }), {}],
    [
      'node "n1" can only delete pods with spec.nodeName set to itself',
      'pods',
      undefined,
      { operation: 'DELETE', name: 'other' },
    ],
    [
      'can only update pod status for pods',
      'pods',
      undefined,
      { operation: 'UPDATE', subresource: 'status', ...podStatus('other') },
    ],
    [
      'cannot update labels through pod status',
      'pods',
      undefined,
      { operation: 'UPDATE', subresource: 'status', ...podStatus('mine', { a: 'b' }) },
    ],
    ['node n1 can only evict pods', 'pods', undefined, { operation: 'DELETE', subresource: 'eviction', name: 'other' }],
    ['node n1 can only evict pods', 'pods', made('Eviction', 'other'), { subresource: 'eviction', name: 'other' }],
    ['unexpected pod subresource "binding"', 'pods', made('Binding', 'mine'), { subresource: 'binding' }],
    ['node "n1" is not allowed to modify node "n2"', 'nodes', made('Node', 'n2'), {}],
    [
      'is not allowed to set the following labels: kubernetes.io/x, node-restriction.kubernetes.io/y',
      'nodes',
      node({ 'kubernetes.io/x': '1', 'node-restriction.kubernetes.io/y': '1' }),
      {},
    ],
    [
      'is not allowed to modify taints',
      'nodes',
      node(),
      { operation: 'UPDATE', oldObject: node({}, [{ key: 'a', effect: 'NoSchedule' }]) },
    ],
    [
      'is not allowed to modify labels: topology.k8s.io/x',
      'nodes',
      node({ 'topology.k8s.io/x': '1' }),
      { operation: 'UPDATE', oldObject: node() },
    ],
    ['node requested token not bound to a pod', 'serviceaccounts', token(), { subresource: 'token' }],
    [
      'node requested token bound to a pod scheduled on a different node',
      'serviceaccounts',
      bound('other'),
      { subresource: 'token' },
    ],
    [
      'audience "bank" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
      'serviceaccounts',
      bound('mine', 'bank'),
      { subresource: 'token' },
    ],
    ['node may only request 0 or 1 audiences', 'serviceaccounts', bound('mine', 'vault', 'bank'), { subresource: 'token' }],
    ['can only create a node CSR with CN=system:node:n1', CSRS, requestFor('system:node:n2'), {}],
    ['can only create a node CSR with CN=system:node:n1', CSRS, requestFor('system:node:n10', 'kubelet-serving'), {}],
    ['can only access leases in the "kube-node-lease"', 'leases.coordination.k8s.io', madeIn('ns', 'Lease', 'n1'), {}],
    [
      'can only access node lease with the same name',
      'leases.coordination.k8s.io',
      made('Lease', 'n2'),
      { namespace: 'kube-node-lease' },
    ],
    ['may only update PVC status', 'persistentvolumeclaims', madeIn('ns', 'PersistentVolumeClaim', 'c'), { operation: 'UPDATE' }],
  ])('refuses: %s', async (message, resource, object, more) => {
    await expect(act(resource, object, more)).rejects.toThrow(message)
  })

  it('does not concern itself with others', async () => {
    const attributes = attributesOf('nodes', made('Node', 'n2'))
    expect(nodeRestriction.handles(attributes)).toBe(false)
  })
})
