import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateRequest, makeCertificate } from './forge.ts'
import { startSecureServer, type Attempt, type KeyPair, type SecureServer } from './secure-server.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

let server: SecureServer
/** Eve may do anything with pods and accounts of the namespace `eve`, and may write roles, bindings and certificate requests everywhere. */
let eve: KeyPair

beforeAll(async () => {
  server = await startSecureServer()
  eve = await makeCertificate({ user: 'eve', signer: await server.read(server.pki.ca) })
  await server.admin('POST', '/api/v1/namespaces', { metadata: { name: 'eve' } })
  await server.admin('POST', `${RBAC}/clusterroles`, {
    metadata: { name: 'eve' },
    rules: [
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['get', 'list', 'create', 'update', 'patch'] },
      {
        apiGroups: ['certificates.k8s.io'],
        resources: ['certificatesigningrequests', 'certificatesigningrequests/approval', 'certificatesigningrequests/status'],
        verbs: ['*'],
      },
    ],
  })
  await server.admin('POST', `${RBAC}/clusterroles`, {
    metadata: { name: 'tenant' },
    rules: [
      { apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['*'] },
      { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['impersonate'] },
    ],
  })
  const eveIs = (roleRef: string) => ({
    metadata: { name: `eve-${roleRef}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleRef },
    subjects: [{ kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' }],
  })
  await server.admin('POST', `${RBAC}/clusterrolebindings`, eveIs('eve'))
  await server.admin('POST', `${RBAC}/namespaces/eve/rolebindings`, eveIs('tenant'))
  await server.admin('POST', `${RBAC}/namespaces/eve/roles`, { metadata: { name: 'own' }, rules: [] })
  await server.admin('POST', '/api/v1/namespaces/eve/serviceaccounts', { metadata: { name: 'default' } })
  await server.admin('POST', '/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'robot' } })
})
afterAll(() => server.stop())

/** Tried, refused as forbidden with the words, and recorded with who tried. */
async function expectForbidden(attempt: Attempt, words: string | RegExp, certificate = eve, user = 'eve'): Promise<void> {
  const answer = await server.call({ certificate, ...attempt })
  expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
  expect(answer.json['message']).toMatch(words)
  const event = await server.recorded(answer)
  expect([event.user.username, event.responseStatus.code]).toEqual([user, 403])
}

const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
const subject = { kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' }
const ref = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
const grant = /attempting to grant RBAC permissions not currently held/

describe('who may write roles gains no right by it', () => {
  it.each<[string, Attempt, RegExp]>([
    [
      'a cluster role that may all',
      { method: 'POST', path: `${RBAC}/clusterroles`, body: { metadata: { name: 'god' }, rules: everything } },
      grant,
    ],
    [
      'a URL that she may not',
      {
        method: 'POST',
        path: `${RBAC}/clusterroles`,
        body: { metadata: { name: 'urls' }, rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
      },
      grant,
    ],
    [
      'a role of her namespace for more than hers',
      {
        method: 'POST',
        path: `${RBAC}/namespaces/eve/roles`,
        body: { metadata: { name: 'nodes' }, rules: [{ apiGroups: [''], resources: ['pods/unheard-of'], verbs: ['get'] }] },
      },
      grant,
    ],
    [
      'a role of another namespace for what she has in hers',
      {
        method: 'POST',
        path: `${RBAC}/namespaces/default/roles`,
        body: { metadata: { name: 'pods' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
      },
      grant,
    ],
    [
      'a role that she changes by PUT',
      { method: 'PUT', path: `${RBAC}/namespaces/eve/roles/own`, body: { metadata: { name: 'own' }, rules: everything } },
      grant,
    ],
    ['a role that she patches', { method: 'PATCH', path: `${RBAC}/clusterroles/eve`, body: { rules: everything } }, grant],
    [
      'rules that others will gather for her',
      {
        method: 'PATCH',
        path: `${RBAC}/clusterroles/eve`,
        body: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
      },
      /must have cluster-admin privileges to use the aggregationRule/,
    ],
    [
      'a binding to cluster-admin',
      {
        method: 'POST',
        path: `${RBAC}/clusterrolebindings`,
        body: { metadata: { name: 'x' }, roleRef: ref('ClusterRole', 'cluster-admin'), subjects: [subject] },
      },
      grant,
    ],
    [
      'a binding to cluster-admin in her namespace',
      {
        method: 'POST',
        path: `${RBAC}/namespaces/eve/rolebindings`,
        body: { metadata: { name: 'x' }, roleRef: ref('ClusterRole', 'cluster-admin'), subjects: [subject] },
      },
      grant,
    ],
    [
      'a binding of hers, for the whole cluster',
      {
        method: 'POST',
        path: `${RBAC}/clusterrolebindings`,
        body: { metadata: { name: 'x' }, roleRef: ref('ClusterRole', 'tenant'), subjects: [subject] },
      },
      grant,
    ],
    [
      'a label that makes her role part of admin',
      {
        method: 'POST',
        path: `${RBAC}/clusterroles`,
        body: { metadata: { name: 'x', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }, rules: everything },
      },
      grant,
    ],
  ])('%s', (_, attempt, words) => expectForbidden(attempt, words))

  it('but gives on what she has', async () => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]
    const body = { metadata: { name: 'pods' }, rules }
    const answer = await server.call({ method: 'POST', path: `${RBAC}/namespaces/eve/roles`, body, certificate: eve })
    expect(answer.code, answer.text).toBe(201)
  })
})

describe('impersonation is asked for, name by name', () => {
  const as = (headers: Record<string, string | string[]>): Attempt => ({ path: '/api/v1/secrets', headers })
  it.each<[string, Attempt, RegExp]>([
    ['a user', as({ 'impersonate-user': 'kubernetes-admin' }), /User "eve" cannot impersonate resource "users"/],
    ['a group', as({ 'impersonate-user': 'eve', 'impersonate-group': 'system:masters' }), /cannot impersonate resource/],
    [
      'an account of another namespace',
      as({ 'impersonate-user': 'system:serviceaccount:kube-system:robot' }),
      /cannot impersonate resource "serviceaccounts"/,
    ],
    [
      'a uid',
      as({ 'impersonate-user': 'system:serviceaccount:eve:default', 'impersonate-uid': '1' }),
      /cannot impersonate resource "uids"/,
    ],
    [
      'extras',
      as({ 'impersonate-user': 'system:serviceaccount:eve:default', 'impersonate-extra-scopes': 'all' }),
      /cannot impersonate resource "userextras\/scopes"/,
    ],
  ])('%s', (_, attempt, words) => expectForbidden(attempt, words))

  it('a group without a user is no request at all', async () => {
    const answer = await server.call({ ...as({ 'impersonate-group': 'system:masters' }), certificate: eve })
    expect([400, 500]).toContain(answer.code)
  })

  it('an account of her namespace, as which she may no more; both are recorded', async () => {
    const attempt = as({ 'impersonate-user': 'system:serviceaccount:eve:default' })
    const answer = await server.call({ ...attempt, certificate: eve })
    expect(answer.code).toBe(403)
    expect(await server.recorded(answer)).toMatchObject({
      user: { username: 'eve' },
      impersonatedUser: { username: 'system:serviceaccount:eve:default' },
      responseStatus: { code: 403 },
    })
  })
})

describe('other ways to be somebody else', () => {
  it.each<[string, Attempt, RegExp]>([
    [
      'a token of a system account',
      { method: 'POST', path: '/api/v1/namespaces/kube-system/serviceaccounts/robot/token', body: {} },
      /cannot create resource "serviceaccounts\/token"/,
    ],
    [
      'a token secret of a system account',
      {
        method: 'POST',
        path: '/api/v1/namespaces/kube-system/secrets',
        body: {
          metadata: { name: 's', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
          type: 'kubernetes.io/service-account-token',
        },
      },
      /cannot create resource "secrets"/,
    ],
    [
      'a pod beside the system ones',
      {
        method: 'POST',
        path: '/api/v1/namespaces/kube-system/pods',
        body: { metadata: { name: 'p' }, spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] } },
      },
      /cannot create resource "pods"/,
    ],
    [
      'the right to decide on what a node may',
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: { spec: { user: 'x', nonResourceAttributes: { path: '/', verb: 'get' } } },
      },
      /cannot create resource "subjectaccessreviews"/,
    ],
  ])('%s', (_, attempt, words) => expectForbidden(attempt, words))

  it.each([
    [
      'kubernetes.io/kube-apiserver-client',
      ['client auth'],
      { user: 'eve', groups: ['system:masters'] },
      /use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/,
    ],
  ] as const)('a certificate of %s for the masters', async (signerName, usages, who, words) => {
    const request = await certificateRequest(who)
    const body = { metadata: { name: 'masters' }, spec: { signerName, usages, request } }
    await expectForbidden({ method: 'POST', path: CSRS, body }, words)
  })

  it('a certificate that she approves or signs herself', async () => {
    const request = await certificateRequest({ user: 'cluster-boss' })
    const spec = { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], request }
    const made = await server.call({ method: 'POST', path: CSRS, body: { metadata: { name: 'boss' }, spec }, certificate: eve })
    expect(made.code, made.text).toBe(201)
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Me', message: '' }]
    const approval = { ...made.json, status: { conditions } }
    await expectForbidden({ method: 'PUT', path: `${CSRS}/boss/approval`, body: approval }, /not permitted to approve/)
    const signed = { ...made.json, status: { certificate: Buffer.from(eve.cert).toString('base64') } }
    await expectForbidden({ method: 'PUT', path: `${CSRS}/boss/status`, body: signed }, /not permitted to sign/)
  })
})

describe('pods that reach for the host', () => {
  beforeAll(() =>
    server.admin('POST', '/api/v1/namespaces', {
      metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    }),
  )

  const good = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    ],
  }
  const create = (spec: object): Attempt => ({
    method: 'POST',
    path: '/api/v1/namespaces/strict/pods',
    body: { metadata: { generateName: 'p-' }, spec },
  })

  it.each([
    ['mounts its files', { ...good, volumes: [{ name: 'v', hostPath: { path: '/' } }] }, /hostPath/],
    ['shares its network', { ...good, hostNetwork: true }, /host namespaces \(hostNetwork=true\)/],
    ['sees its processes', { ...good, hostPID: true }, /host namespaces \(hostPID=true\)/],
    [
      'is privileged',
      { ...good, containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
      /privileged \(container "c"/,
    ],
    ['is root', { ...good, securityContext: { ...good.securityContext, runAsUser: 0 } }, /runAsUser=0/],
  ])('one that %s is refused under restricted', async (_, spec, words) => {
    await expectForbidden(create(spec), words, await server.read(server.pki.admin), 'kubernetes-admin')
  })

  it('one that does not is not', async () => {
    const answer = await server.call({ ...create(good), certificate: await server.read(server.pki.admin) })
    expect(answer.code, answer.text).toBe(201)
  })
})
