import { describe, expect, it } from 'vitest'
import type { ClusterRole, Node } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { ADMISSION_PLUGINS, selectAdmissionPlugins } from '../admission.ts'
import { clusterBinding, clusterRole, CORE, role, rule, user } from '../auth/default-roles/policy-notation.ts'
import { attributesOf, createFixture, made, madeIn } from './admission-fixture.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificate-signers.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './storage/default-storage-class.ts'
import { createNamespaceLifecycle } from './namespace-lifecycle.ts'
import { persistentVolumeClaimResize } from './storage/persistent-volume-claim-resize.ts'
import type { AdmissionAttributes } from './plugin.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { storageObjectInUseProtection } from './storage/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './nodes/taint-nodes-by-condition.ts'

describe('NamespaceLifecycle', () => {
  const namespace = (phase: string) => made('Namespace', 'ns', { status: { phase } })
  const create = () => attributesOf('configmaps', madeIn('ns', 'ConfigMap', 'c'))

  it('refuses to create in a namespace that is not there', async () => {
    await expect(createFixture().run(createNamespaceLifecycle(), create())).rejects.toMatchObject({
      code: 404,
      message: 'namespaces "ns" not found',
    })
  })

  it('refuses to create in a namespace that is going, with its cause', async () => {
    await expect(createFixture(namespace('Terminating')).run(createNamespaceLifecycle(), create())).rejects.toMatchObject({
      code: 403,
      message: 'configmaps "c" is forbidden: unable to create new content in namespace ns because it is being terminated',
      details: {
        causes: [{ reason: 'NamespaceTerminating', message: 'namespace ns is being terminated', field: 'metadata.namespace' }],
      },
    })
  })

  it('lets updates and deletions there pass', async () => {
    const fixture = createFixture(namespace('Terminating'))
    for (const operation of ['UPDATE', 'DELETE'] as const) {
      await expect(fixture.run(createNamespaceLifecycle(), { ...create(), operation })).resolves.toBeDefined()
    }
  })

  it.each(['default', 'kube-system', 'kube-public'])('never lets %s go', async (name) => {
    const attributes = attributesOf('namespaces', undefined, { operation: 'DELETE', kind: 'Namespace', name, namespace: name })
    await expect(createFixture().run(createNamespaceLifecycle(), attributes)).rejects.toThrow(
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    )
  })

  it('does not trust its cache of a namespace that was just deleted', async () => {
    const fixture = createFixture(namespace('Active'))
    fixture.context.consistent = async () => createFixture(namespace('Terminating')).reader
    const plugin = createNamespaceLifecycle()
    await fixture.run(plugin, attributesOf('namespaces', undefined, { operation: 'DELETE', kind: 'Namespace', name: 'ns' }))
    await expect(fixture.run(plugin, create())).rejects.toThrow('because it is being terminated')
  })
})

describe('storage', () => {
  const claim = (storage: string, more: object = {}) =>
    madeIn('ns', 'PersistentVolumeClaim', 'c', {
      spec: { resources: { requests: { storage } }, ...more },
      status: { phase: 'Bound' },
    })
  const storageClass = (name: string, more: object = {}, created = '2026-01-01T00:00:00Z') =>
    made('StorageClass', name, {
      metadata: { creationTimestamp: created, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      ...more,
    })

  it('DefaultStorageClass takes the newest default', async () => {
    const fixture = createFixture(storageClass('old'), storageClass('new', {}, '2026-02-01T00:00:00Z'))
    const object = claim('1Gi')
    await fixture.run(defaultStorageClass, attributesOf('persistentvolumeclaims', object))
    expect(object).toMatchObject({ spec: { storageClassName: 'new' } })
    const without = claim('1Gi', { storageClassName: '' })
    await fixture.run(defaultStorageClass, attributesOf('persistentvolumeclaims', without))
    expect(without).toMatchObject({ spec: { storageClassName: '' } })
  })

  it('StorageObjectInUseProtection adds its finalizer once', async () => {
    const object = claim('1Gi')
    for (let i = 0; i < 2; i++)
      await createFixture().run(storageObjectInUseProtection, attributesOf('persistentvolumeclaims', object))
    expect(object.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
  })

  it.each([
    ['grows where the class allows it', true, '2Gi', 'Bound', null],
    ['does not grow where it does not', false, '2Gi', 'Bound', /the storageclass that provisions the pvc must support resize/],
    ['does not grow unbound', true, '2Gi', 'Pending', /Only bound persistent volume claims can be expanded/],
    ['may stay', false, '1024Mi', 'Bound', null],
  ])('a claim %s', async (_, allowVolumeExpansion, storage, phase, message) => {
    const fixture = createFixture(storageClass('s', { allowVolumeExpansion }))
    const oldObject = { ...claim('1Gi', { storageClassName: 's' }), status: { phase } } as unknown as KubeObject
    const attributes = attributesOf('persistentvolumeclaims', claim(storage, { storageClassName: 's' }), {
      operation: 'UPDATE',
      oldObject,
    })
    const running = fixture.run(persistentVolumeClaimResize, attributes)
    if (message) await expect(running).rejects.toThrow(message)
    else await expect(running).resolves.toBeDefined()
  })
})

describe('defaults', () => {
  it('DefaultIngressClass names the default class, unless an annotation names one', async () => {
    const fixture = createFixture(
      made('IngressClass', 'nginx', { metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } } }),
    )
    const after = async (ingress: KubeObject) => {
      await fixture.run(defaultIngressClass, attributesOf('ingresses.networking.k8s.io', ingress))
      return (ingress as unknown as { spec: { ingressClassName?: string } }).spec.ingressClassName
    }
    expect(await after(madeIn('ns', 'Ingress', 'i', { spec: {} }))).toBe('nginx')
    const annotated = { metadata: { annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: {} }
    expect(await after(madeIn('ns', 'Ingress', 'i', annotated))).toBeUndefined()
  })

  it('TaintNodesByCondition makes every node begin not ready', async () => {
    const node = made('Node', 'n')
    await createFixture().run(taintNodesByCondition, attributesOf('nodes', node))
    expect((node as Node).spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
  })
})

describe('certificates', () => {
  const request = (status: object, signerName = 'example.com/signer') =>
    made('CertificateSigningRequest', 'r', { spec: { signerName }, status })
  const attributes = (subresource: string, object = request({}), oldObject = request({})) =>
    attributesOf('certificatesigningrequests.certificates.k8s.io', object, { operation: 'UPDATE', subresource, oldObject })
  const may = (verb: string, name: string) => [
    clusterRole('r', [rule(verb, 'certificates.k8s.io', 'signers', name)]),
    clusterBinding('r', [user('ann')]),
  ]

  it('approval takes the right to approve for the signer, or for its domain', async () => {
    await expect(createFixture().run(certificateApproval, attributes('approval'))).rejects.toThrow(
      'user not permitted to approve requests with signerName "example.com/signer"',
    )
    for (const name of ['example.com/signer', 'example.com/*']) {
      await expect(createFixture(...may('approve', name)).run(certificateApproval, attributes('approval'))).resolves.toBeDefined()
    }
  })

  it('signing takes the right to sign, when the certificate changes', async () => {
    await expect(createFixture().run(certificateSigning, attributes('status'))).resolves.toBeDefined()
    const signed = attributes('status', request({ certificate: 'abc' }))
    await expect(createFixture().run(certificateSigning, signed)).rejects.toThrow('user not permitted to sign requests')
    await expect(createFixture(...may('sign', 'example.com/signer')).run(certificateSigning, signed)).resolves.toBeDefined()
  })

  it('nobody asks for a certificate of system:masters', async () => {
    const ask = async (organization: Parameters<typeof requestFor>[0], signerName = 'kubernetes.io/kube-apiserver-client') => {
      const csr = made('CertificateSigningRequest', 'r', { spec: { signerName, request: await requestFor(organization) } })
      return createFixture().run(
        certificateSubjectRestriction,
        attributesOf('certificatesigningrequests.certificates.k8s.io', csr),
      )
    }
    await expect(ask('system:masters')).rejects.toThrow(
      'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    )
    // Four bytes a character: who signs reads the same name in it as in any other type of string.
    await expect(ask({ universalString: 'system:masters' })).rejects.toThrow('failed to parse CSR: asn1: structure error')
    await expect(ask({ bmpString: 'system:masters' })).rejects.toThrow('with system:masters group is not allowed')
    await expect(ask('developers')).resolves.toBeDefined()
    await expect(ask('system:masters', 'example.com/other')).resolves.toBeDefined()
  })
})

async function requestFor(organization: string | { universalString: string } | { bmpString: string }): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const { webcrypto } = await import('node:crypto')
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    // The library takes other types of string as well, though its types do not say so.
    name: [{ O: [organization as string] }, { CN: ['ann'] }],
    keys,
    signingAlgorithm,
  })
  return Buffer.from(request.toString('pem')).toString('base64')
}

describe('RBAC escalation', () => {
  const rbac = (resource: string, object: KubeObject, more: Partial<AdmissionAttributes> = {}) =>
    attributesOf(`${resource}.rbac.authorization.k8s.io`, object, { namespace: '', ...more })
  const has = (...rules: ReturnType<typeof rule>[]) => [clusterRole('own', rules), clusterBinding('own', [user('ann')])]
  const pods = rule('get list', CORE, 'pods')

  it('lets a user grant what they hold, in a role or by a binding', async () => {
    const fixture = createFixture(...has(pods), clusterRole('reader', [pods]))
    await expect(fixture.run(rbacEscalation, rbac('roles', role('ns', 'r', [pods]), { namespace: 'ns' }))).resolves.toBeDefined()
    await expect(
      fixture.run(rbacEscalation, rbac('clusterrolebindings', clusterBinding('b', [], 'reader'))),
    ).resolves.toBeDefined()
  })

  it('refuses to grant more, and says what', async () => {
    const fixture = createFixture(...has(rule('get', CORE, 'pods')))
    await expect(fixture.run(rbacEscalation, rbac('clusterroles', clusterRole('r', [pods])))).rejects.toThrow(
      'clusterroles.rbac.authorization.k8s.io "r" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
    )
  })

  it.each([
    ['escalate', rule('escalate', 'rbac.authorization.k8s.io', 'clusterroles', 'r'), 'clusterroles', clusterRole('r', [pods])],
    [
      'bind',
      rule('bind', 'rbac.authorization.k8s.io', 'clusterroles', 'reader'),
      'clusterrolebindings',
      clusterBinding('b', [], 'reader'),
    ],
  ])('lets a user do so who may %s', async (_, right, resource, object) => {
    const fixture = createFixture(...has(right), clusterRole('reader', [pods]))
    await expect(fixture.run(rbacEscalation, rbac(resource, object))).resolves.toBeDefined()
  })

  it('wants the role of a binding to exist', async () => {
    await expect(
      createFixture().run(rbacEscalation, rbac('clusterrolebindings', clusterBinding('b', [], 'gone'))),
    ).rejects.toMatchObject({
      code: 404,
    })
  })

  it('keeps aggregation to those who may do everything', async () => {
    const aggregated = {
      ...clusterRole('r', []),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    } as ClusterRole
    await expect(createFixture(...has(pods)).run(rbacEscalation, rbac('clusterroles', aggregated))).rejects.toThrow(
      'must have cluster-admin privileges to use the aggregationRule',
    )
  })

  it('lets the garbage collector write owners and finalizers', async () => {
    const oldObject = clusterRole('r', [pods])
    const object = { ...oldObject, metadata: { ...oldObject.metadata, finalizers: ['x'] } } as ClusterRole
    await expect(
      createFixture().run(rbacEscalation, rbac('clusterroles', object, { operation: 'UPDATE', oldObject })),
    ).resolves.toBeDefined()
  })

  it('does not stop system:masters', async () => {
    const attributes = rbac('clusterroles', clusterRole('r', [pods]), { user: { username: 'root', groups: ['system:masters'] } })
    await expect(createFixture().run(rbacEscalation, attributes)).resolves.toBeDefined()
  })
})

describe('selectAdmissionPlugins', () => {
  const names = (...selection: Parameters<typeof selectAdmissionPlugins>) =>
    selectAdmissionPlugins(...selection).map(({ name }) => name)

  it('runs the default ones in the order of the list', () => {
    expect(names()).toEqual(ADMISSION_PLUGINS.filter(({ enabled }) => enabled !== 'on request').map(({ name }) => name))
    expect(names().at(-1)).toBe('ResourceQuota')
  })

  it('adds and leaves out, but never what guards RBAC', () => {
    const selected = names({ enable: ['AlwaysPullImages'], disable: ['PodSecurity', 'RBACEscalation'] })
    expect(selected).toContain('AlwaysPullImages')
    expect(selected).not.toContain('PodSecurity')
    expect(selected).toContain('RBACEscalation')
  })

  it('refuses names that nobody has', () => {
    expect(() => names({ enable: ['Nope'] })).toThrow('Cannot select admission plugins: "Nope" is unknown')
  })
})
