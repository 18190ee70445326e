import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  makeCertificate,
  makeForeignAuthority,
  signedByPublicKey,
  withClaims,
  withOneBitFlipped,
  withoutSignature,
  type CertificateWish,
} from './forge.ts'
import { startSecureServer, type Attempt, type KeyPair, type SecureServer } from './secure-server.ts'

const MASTERS = { user: 'mallory', groups: ['system:masters'] }
const DAY = 86_400_000
const SECRETS = '/api/v1/secrets'

let server: SecureServer
let ca: KeyPair
let frontProxyCa: KeyPair

beforeAll(async () => {
  server = await startSecureServer()
  ca = await server.read(server.pki.ca)
  frontProxyCa = await server.read(server.pki.frontProxyCa)
})
afterAll(() => server.stop())

/** Refused, and recorded as what it was: nobody's, since who claims to be somebody is not yet it. */
async function expectUnauthorized(attempt: Attempt): Promise<void> {
  const answer = await server.call(attempt)
  expect(answer.json, answer.text).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
  const { user, responseStatus } = await server.recorded(answer)
  expect([user.username, responseStatus.code]).toEqual(['', 401])
}

async function expectForbidden(attempt: Attempt, user: string): Promise<void> {
  const answer = await server.call(attempt)
  expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
  const event = await server.recorded(answer)
  expect([event.user.username, event.responseStatus.code]).toEqual([user, 403])
}

describe('client certificates', () => {
  it('let in whom the cluster authority vouches for', async () => {
    const certificate = await makeCertificate({ ...MASTERS, signer: ca })
    expect((await server.call({ path: SECRETS, certificate })).code).toBe(200)
  })

  it.each<[string, () => Promise<CertificateWish>]>([
    [
      'expired',
      async () => ({ ...MASTERS, signer: ca, from: new Date(Date.now() - 2 * DAY), to: new Date(Date.now() - 60_000) }),
    ],
    [
      'not valid yet',
      async () => ({ ...MASTERS, signer: ca, from: new Date(Date.now() + DAY), to: new Date(Date.now() + 2 * DAY) }),
    ],
    ['signed by itself', async () => MASTERS],
    ['signed by a foreign authority of the same name', async () => ({ ...MASTERS, signer: await makeForeignAuthority() })],
    ['signed by the front proxy authority', async () => ({ ...MASTERS, signer: frontProxyCa })],
    ['signed by the etcd authority', async () => ({ ...MASTERS, signer: await server.read(server.pki.etcdCa) })],
    ['signed by a user, who is no authority', async () => ({ ...MASTERS, signer: await server.read(server.pki.scheduler) })],
    ['meant for servers', async () => ({ ...MASTERS, signer: ca, usage: 'server' })],
  ])('that are %s are refused', async (_, wish) => {
    const made = await wish()
    const certificate = await makeCertificate(made)
    // As an attacker would: with the chain up to whoever signed it.
    const chain = made.signer ? certificate.cert + made.signer.cert : certificate.cert
    await expectUnauthorized({ path: SECRETS, certificate: { ...certificate, cert: chain } })
  })

  it("that are the API server's own serving one are refused", async () => {
    await expectUnauthorized({ path: SECRETS, certificate: await server.read(server.pki.apiServer) })
  })
})

describe('front proxy headers', () => {
  const headers = { 'x-remote-user': 'mallory', 'x-remote-group': 'system:masters' }

  it('are believed from the front proxy', async () => {
    const certificate = await server.read(server.pki.frontProxyClient)
    expect((await server.call({ path: SECRETS, certificate, headers })).code).toBe(200)
  })

  it('are nothing without a certificate', () => expectForbidden({ path: SECRETS, headers }, 'system:anonymous'))

  it("are nothing beside a user's certificate", async () => {
    const certificate = await makeCertificate({ user: 'bob', signer: ca })
    await expectForbidden({ path: SECRETS, certificate, headers }, 'bob')
  })

  it('are refused from a proxy whose name is not on the list', async () => {
    const certificate = await makeCertificate({ user: 'other-proxy', signer: frontProxyCa })
    await expectUnauthorized({ path: SECRETS, certificate, headers })
  })

  it("are refused with the front proxy's name under the cluster authority", async () => {
    const certificate = await makeCertificate({ user: 'front-proxy-client', signer: ca })
    await expectForbidden({ path: SECRETS, certificate, headers }, 'front-proxy-client')
  })
})

describe('service account tokens', () => {
  const WHO = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const use = (token: string): Attempt => ({ method: 'POST', path: WHO, body: review, token })
  const account = (name: string) => `/api/v1/namespaces/default/serviceaccounts/${name}`

  const createAccount = (name: string) =>
    server.admin('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name } })
  const createToken = async (name: string, spec: object = {}): Promise<string> => {
    const { status } = await server.admin('POST', `${account(name)}/token`, { spec })
    return String(status.token)
  }
  const createPod = (name: string, serviceAccountName: string) =>
    server.admin('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name },
      spec: { serviceAccountName, containers: [{ name: 'c', image: 'i' }] },
    })

  let good: string
  beforeAll(async () => {
    await createAccount('robot')
    good = await createToken('robot')
  })

  it('speak for their account', async () => {
    const { json } = await server.call(use(good))
    expect((json.status['userInfo'] as unknown as { username: string }).username).toBe('system:serviceaccount:default:robot')
  })

  it.each<[string, (token: string) => Promise<string> | string]>([
    ['with another subject', (token) => withClaims(token, { sub: 'system:serviceaccount:kube-system:admin' })],
    ['with a later end', (token) => withClaims(token, { exp: Math.floor(Date.now() / 1000) + 10 * 365 * 86_400 })],
    ['with a bit of the signature flipped', withOneBitFlipped],
    ['without a signature', withoutSignature],
    ['without a signature, and the algorithm as it was', (token) => `${token.split('.').slice(0, 2).join('.')}.`],
    [
      'signed by HMAC with the public key',
      async (token) => signedByPublicKey(token, await readFile(server.pki.serviceAccountPublicKey, 'utf8')),
    ],
    ['of three words', () => 'a.b.c'],
    ['of spaces', () => 'x y'],
  ])('%s are refused', async (_, forge) => {
    await expectUnauthorized(use(await forge(good)))
  })

  it('that end are refused', async () => {
    const later = await startSecureServer({
      serviceAccounts: {
        issuers: ['https://kubernetes.default.svc'],
        signingKey: await readFile(server.pki.serviceAccountKey, 'utf8'),
        verifyingKeys: [],
      },
      now: () => new Date(Date.now() + DAY),
    })
    try {
      expect((await later.call(use(good))).code).toBe(401)
    } finally {
      await later.stop()
    }
  })

  it('for others are refused here', async () => {
    await expectUnauthorized(use(await createToken('robot', { audiences: ['vault'] })))
  })

  it('of a pod end with the pod', async () => {
    await createPod('worker', 'robot')
    const token = await createToken('robot', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'worker' } })
    expect((await server.call(use(token))).code).toBe(201)
    await server.admin('DELETE', '/api/v1/namespaces/default/pods/worker', { gracePeriodSeconds: 0 })
    await expectUnauthorized(use(token))
    // Also when another takes its name.
    await createPod('worker', 'robot')
    await expectUnauthorized(use(token))
  })

  it('of an account end with it, also when another takes its name', async () => {
    await createAccount('leaver')
    const token = await createToken('leaver')
    expect((await server.call(use(token))).code).toBe(201)
    await server.admin('DELETE', account('leaver'))
    await expectUnauthorized(use(token))
    await createAccount('leaver')
    await expectUnauthorized(use(token))
  })
})

describe('bootstrap tokens', () => {
  const put = (id: string, data: Record<string, string>) =>
    server.admin('POST', '/api/v1/namespaces/kube-system/secrets', {
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', ...data },
    })
  const use = (id: string, secret = '0123456789abcdef') => ({ path: SECRETS, token: `${id}.${secret}` })

  it('may only ask for a certificate', async () => {
    await put('aaaaaa', { 'usage-bootstrap-authentication': 'true' })
    await expectForbidden(use('aaaaaa'), 'system:bootstrap:aaaaaa')
  })

  it.each([
    ['bbbbbb', 'that are over', { 'usage-bootstrap-authentication': 'true', expiration: '2020-01-01T00:00:00Z' }],
    ['cccccc', 'that are for signing only', { 'usage-bootstrap-signing': 'true' }],
    ['dddddd', 'whose end cannot be read', { 'usage-bootstrap-authentication': 'true', expiration: 'soon' }],
  ])('%s, %s, are refused', async (id, _, data) => {
    await put(id, data as Record<string, string>)
    await expectUnauthorized(use(id))
  })

  it('with another secret are refused', () => expectUnauthorized(use('aaaaaa', 'fedcba9876543210')))
})

describe('the metrics', () => {
  it('count who got in and who did not, under their usual names', async () => {
    const { text } = await server.call({ path: '/metrics', certificate: await server.read(server.pki.admin) })
    for (const name of [
      'authentication_attempts{result="error"}',
      'authentication_attempts{result="success"}',
      'authenticated_user_requests{username="other"}',
      'authorization_attempts_total{result="no-opinion"}',
      'apiserver_client_certificate_expiration_seconds_count',
      'apiserver_audit_level_total{level="RequestResponse"}',
      'apiserver_audit_event_total',
      'serviceaccount_valid_tokens_total',
      'apiserver_admission_controller_admission_duration_seconds_count{name="NamespaceLifecycle"',
    ])
      expect(
        text.split('\n').some((line) => line.startsWith(name) && Number(line.split(' ').at(-1)) > 0),
        name,
      ).toBe(true)
  })
})
