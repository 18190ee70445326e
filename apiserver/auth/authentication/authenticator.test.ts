import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { createMemoryReader, type MemoryReader } from '../../memory-reader.ts'
import { createAuthenticator } from './authenticator.ts'
import { jsonWebKeySet, openidConfiguration } from './openid-discovery.ts'
import type { RequestHeaderOptions } from './request-header-user.ts'
import { createServiceAccountTokens, type ServiceAccountTokens, type TokenToIssue } from './service-account-tokens.ts'
import { parseStaticTokens } from './static-tokens.ts'
import { createToken } from './token-request.ts'

const ISSUER = 'https://kubernetes.default.svc.cluster.local'
const pem = (type: 'ec' | 'rsa') => {
  const { privateKey } =
    type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
const signingKey = pem('ec')

const object = (kind: string, namespace: string, name: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace, uid: `uid-${name}` },
  ...more,
})
const base64 = (text: string) => Buffer.from(text).toString('base64')

let now: Date
let reader: MemoryReader
let tokens: ServiceAccountTokens
let refused: string[]
const clock = () => now

beforeEach(() => {
  now = new Date('2026-05-01T12:00:00Z')
  refused = []
  reader = createMemoryReader([
    object('ServiceAccount', 'default', 'robot'),
    object('Pod', 'default', 'web', { spec: { serviceAccountName: 'robot', nodeName: 'n1', containers: [] } }),
    object('Secret', 'kube-system', 'bootstrap-token-abcdef', {
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'token-id': base64('abcdef'),
        'token-secret': base64('0123456789abcdef'),
        'usage-bootstrap-authentication': base64('true'),
        expiration: base64('2026-05-01T13:00:00Z'),
        'auth-extra-groups': base64('system:bootstrappers:kubeadm:default-node-token,system:bootstrappers:b'),
      },
    }),
  ])
  tokens = createServiceAccountTokens({ issuers: [ISSUER], signingKey, reader, now: clock })
})

const requestHeaders: RequestHeaderOptions = {
  usernameHeaders: ['x-remote-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraHeadersPrefix: ['x-remote-extra-'],
  allowedNames: ['front-proxy-client'],
}

const authenticator = (more: object = {}) =>
  createAuthenticator({
    tokens,
    reader,
    now: clock,
    onRefused: (why) => refused.push(why),
    requestHeaders,
    staticTokens: parseStaticTokens('# tokens\nsecret,carol,7,"ops,qa"\nplain,dave,8\n'),
    ...more,
  })
const withToken = (token: string) =>
  authenticator().authenticate({ headers: { authorization: `Bearer ${token}` }, certificate: undefined })
const robotToken: TokenToIssue = {
  serviceAccount: { namespace: 'default', name: 'robot', uid: 'uid-robot' },
  audiences: [ISSUER],
  expirationSeconds: 600,
}
const podToken: TokenToIssue = {
  ...robotToken,
  boundTo: { kind: 'Pod', name: 'web', uid: 'uid-web' },
  node: { name: 'n1', uid: 'uid-n1' },
}

describe('a service-account token', () => {
  it('speaks for its account, pod and node', async () => {
    const user = await withToken(await tokens.issue(podToken))
    expect(user).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      uid: 'uid-robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': ['uid-web'],
        'authentication.kubernetes.io/node-name': ['n1'],
      },
    })
    expect(user?.extra?.['authentication.kubernetes.io/credential-id']?.[0]).toMatch(/^JTI=[0-9a-f-]{36}$/)
  })

  it.each([
    [
      'its account is gone',
      () => reader.remove('ServiceAccount', { namespace: 'default', name: 'robot' }),
      /serviceaccounts "robot" not found/,
    ],
    [
      'its account was made anew',
      () =>
        reader.put(
          object('ServiceAccount', 'default', 'robot', { metadata: { name: 'robot', namespace: 'default', uid: 'new' } }),
        ),
      /service account UID \(new\) does not match claim \(uid-robot\)/,
    ],
    ['its pod is gone', () => reader.remove('Pod', { namespace: 'default', name: 'web' }), /has been invalidated/],
    ['it has expired', () => (now = new Date(now.getTime() + 700_000)), /token has expired/],
  ])('is refused once %s, though its signature was checked before', async (_, change, why) => {
    const token = await tokens.issue(podToken)
    const same = authenticator()
    const ask = () => same.authenticate({ headers: { authorization: `Bearer ${token}` }, certificate: undefined })
    await ask()
    change()
    await expect(ask()).rejects.toMatchObject({ status: { code: 401, reason: 'Unauthorized', message: 'Unauthorized' } })
    expect(refused[0]).toMatch(why)
  })

  it('outlives the deletion of its pod only while the pod stops', async () => {
    const token = await tokens.issue(podToken)
    const stopping = (at: string) => ({ metadata: { name: 'web', namespace: 'default', uid: 'uid-web', deletionTimestamp: at } })
    reader.put(object('Pod', 'default', 'web', stopping('2026-05-01T12:00:30Z')))
    await expect(withToken(token)).resolves.toBeDefined()
    reader.put(object('Pod', 'default', 'web', stopping('2026-05-01T11:58:00Z')))
    await expect(withToken(token)).rejects.toThrow('Unauthorized')
  })

  it('is counted as stale once its pod should have read the next one', async () => {
    const used: string[] = []
    tokens = createServiceAccountTokens({ issuers: [ISSUER], signingKey, reader, onUsed: (kind) => used.push(kind), now: clock })
    const token = await tokens.issue({ ...podToken, expirationSeconds: 365 * 86_400, warnAfterSeconds: 3607 })
    await withToken(token)
    now = new Date(now.getTime() + 3_608_000)
    await withToken(token)
    expect(used).toEqual(['valid', 'stale'])
  })

  it('is refused for another audience', async () => {
    await expect(withToken(await tokens.issue({ ...robotToken, audiences: ['vault'] }))).rejects.toThrow('Unauthorized')
    expect(refused[0]).toContain('token audiences ["vault"] is invalid for the target audiences')
    const verified = await tokens.verify(await tokens.issue({ ...robotToken, audiences: ['vault', ISSUER] }), ['vault'])
    expect(verified?.audiences).toEqual(['vault'])
  })

  it('is refused when it was changed or signed by another key', async () => {
    const [header, payload, signature] = (await tokens.issue(robotToken)).split('.')
    const forged = JSON.parse(Buffer.from(payload!, 'base64url').toString())
    forged['kubernetes.io'].serviceaccount.name = 'admin'
    await expect(
      withToken(`${header}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`),
    ).rejects.toThrow()
    const other = createServiceAccountTokens({ issuers: [ISSUER], signingKey: pem('ec'), reader, now: clock })
    await expect(withToken(await other.issue(robotToken))).rejects.toThrow('Unauthorized')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    await expect(withToken(`${none}.${payload}.`)).rejects.toThrow('Unauthorized')
  })

  it('stays good when the signing key changes and the old one still verifies', async () => {
    const token = await tokens.issue(robotToken)
    const rotated = createServiceAccountTokens({
      issuers: [ISSUER],
      signingKey: pem('rsa'),
      verifyingKeys: [signingKey],
      reader,
      now: clock,
    })
    await expect(rotated.verify(token)).resolves.toBeDefined()
    await expect(rotated.verify(await rotated.issue(robotToken))).resolves.toBeDefined()
  })

  it('of the old kind is good as long as its secret holds it', async () => {
    const { SignJWT } = await import('jose')
    const { createPrivateKey } = await import('node:crypto')
    const prefix = 'kubernetes.io/serviceaccount/'
    const token = await new SignJWT({
      iss: 'kubernetes/serviceaccount',
      sub: 'system:serviceaccount:default:robot',
      [`${prefix}namespace`]: 'default',
      [`${prefix}secret.name`]: 'robot-token',
      [`${prefix}service-account.name`]: 'robot',
      [`${prefix}service-account.uid`]: 'uid-robot',
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(createPrivateKey(signingKey))
    await expect(withToken(token)).rejects.toThrow()
    reader.put(object('Secret', 'default', 'robot-token', { data: { token: base64(token) } }))
    await expect(withToken(token)).resolves.toMatchObject({ username: 'system:serviceaccount:default:robot' })
    const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-04-01' }
    const metadata = { name: 'robot-token', namespace: 'default', uid: 'uid', labels }
    reader.put(object('Secret', 'default', 'robot-token', { metadata, data: { token: base64(token) } }))
    await expect(withToken(token)).rejects.toThrow()
    expect(refused.at(-1)).toContain('the token in default/robot-token has been marked invalid')
    reader.put(object('Secret', 'default', 'robot-token', { data: { token: base64('other') } }))
    await expect(withToken(token)).rejects.toThrow()
  })
})

describe('other credentials', () => {
  it('knows static tokens with their groups', async () => {
    expect(await withToken('secret')).toEqual({ username: 'carol', uid: '7', groups: ['ops', 'qa', 'system:authenticated'] })
    expect(await withToken('plain')).toEqual({ username: 'dave', uid: '8', groups: ['system:authenticated'] })
    await expect(withToken('unknown')).rejects.toThrow('Unauthorized')
    expect(refused).toEqual(['invalid bearer token'])
  })

  it('knows a bootstrap token until it expires', async () => {
    const extra = ['system:bootstrappers:kubeadm:default-node-token', 'system:bootstrappers:b']
    const groups = ['system:bootstrappers', ...extra, 'system:authenticated']
    expect(await withToken('abcdef.0123456789abcdef')).toEqual({ username: 'system:bootstrap:abcdef', groups })
    await expect(withToken('abcdef.0123456789abcdeX')).rejects.toThrow('Unauthorized')
    now = new Date('2026-05-01T13:00:01Z')
    await expect(withToken('abcdef.0123456789abcdef')).rejects.toThrow('Unauthorized')
  })

  it.each([
    ['for signing only', { 'usage-bootstrap-authentication': 'false' }],
    ['without a word of its usage', { 'usage-bootstrap-authentication': '' }],
    ['of the groups of others', { 'auth-extra-groups': 'system:bootstrappers:b,system:masters' }],
    ['of a group without a name', { 'auth-extra-groups': 'system:bootstrappers:' }],
    ['of groups with spaces between', { 'auth-extra-groups': 'system:bootstrappers:a, system:bootstrappers:b' }],
    ['that ends at a time that is none', { expiration: '2099' }],
    ['that ends on a day that is none', { expiration: '2099-02-30T00:00:00Z' }],
    ['of another name', { 'token-id': 'abcdeg' }],
  ])('refuses a bootstrap token %s', async (_, changed) => {
    const secret = reader.get('Secret', { namespace: 'kube-system', name: 'bootstrap-token-abcdef' })!
    const data = Object.fromEntries(Object.entries(changed).map(([key, value]) => [key, base64(value!)]))
    reader.put({ ...secret, data: { ...secret.data, ...data } } as KubeObject)
    await expect(withToken('abcdef.0123456789abcdef')).rejects.toThrow('Unauthorized')
  })

  it('takes user and groups from a client certificate', async () => {
    const certificate = { commonName: 'system:node:n1', organizations: ['system:nodes'], validTo: new Date('2026-06-01') }
    const ask = () => authenticator().authenticate({ headers: {}, certificate })
    expect(await ask()).toEqual({ username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] })
    now = new Date('2026-06-02')
    await expect(ask()).rejects.toThrow('Unauthorized')
  })

  it('believes the front proxy by its authority and name only', async () => {
    const headers = { 'x-remote-user': 'eve', 'x-remote-group': ['a', 'b'], 'x-remote-extra-scopes': ['s'] }
    const as = (certificate: object) => authenticator().authenticate({ headers, certificate: certificate as never })
    const proxy = { commonName: 'front-proxy-client', organizations: [], authority: 'front-proxy' }
    expect(await as(proxy)).toEqual({ username: 'eve', groups: ['a', 'b', 'system:authenticated'], extra: { scopes: ['s'] } })
    expect(await as({ ...proxy, authority: 'client' })).toMatchObject({ username: 'front-proxy-client' })
    await expect(as({ ...proxy, commonName: 'other' })).rejects.toThrow('Unauthorized')
  })

  it('refuses a certificate of nobody, unless a token comes with it', async () => {
    const certificate = { commonName: 'x', organizations: [], authority: 'unknown' as const }
    const authorization = 'Bearer secret'
    await expect(authenticator().authenticate({ headers: {}, certificate })).rejects.toThrow('Unauthorized')
    expect(await authenticator().authenticate({ headers: { authorization }, certificate })).toMatchObject({ username: 'carol' })
  })

  it('takes who brings nothing for anonymous, or for nobody when that is off', async () => {
    const nothing = { headers: {}, certificate: undefined }
    expect(await authenticator().authenticate(nothing)).toEqual({
      username: 'system:anonymous',
      groups: ['system:unauthenticated'],
    })
    expect(await authenticator({ anonymous: false }).authenticate(nothing)).toBeUndefined()
  })

  it('finds the token of a browser’s WebSocket in its subprotocols', async () => {
    const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`
    const headers = { 'sec-websocket-protocol': `v5.channel.k8s.io, ${protocol}` }
    expect(await authenticator().authenticate({ headers, certificate: undefined })).toMatchObject({ username: 'carol' })
  })
})

describe('TokenRequest', () => {
  const request = (spec: object) =>
    ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec }) as never
  const create = (spec: object, dryRun = false) =>
    createToken({ namespace: 'default', name: 'robot' }, request(spec), { reader, tokens, now: clock, dryRun })

  it('answers a token that is good, and when it ends', async () => {
    const { status, spec } = await create({})
    expect(status?.expirationTimestamp).toBe('2026-05-01T13:00:00Z')
    expect(spec).toMatchObject({ audiences: [ISSUER], expirationSeconds: 3600 })
    await expect(withToken(status!.token!)).resolves.toMatchObject({ uid: 'uid-robot' })
  })

  it('binds to a pod, and keeps the projected ones of an hour good for a year', async () => {
    const { status } = await create({
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-web' },
    })
    expect(status?.expirationTimestamp).toBe('2026-05-01T13:00:07Z')
    now = new Date('2026-11-01')
    await expect(withToken(status!.token!)).resolves.toBeDefined()
  })

  it('signs nothing in a dry run', async () => {
    expect((await create({}, true)).status?.token).toBe('')
  })

  it.each([
    [{ expirationSeconds: 5 }, 422, /spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes/],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'nope' } }, 404, /pods "nope" not found/],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web', uid: 'old' } }, 409, /does not match the UID in record/],
    [{ boundObjectRef: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web' } }, 400, /cannot bind token to object of type/],
  ])('refuses %o', async (spec, code, message) => {
    await expect(create(spec)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('OpenID discovery', () => {
  it('publishes the keys that verify the tokens', async () => {
    expect(openidConfiguration(tokens)).toEqual({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const { createLocalJWKSet, jwtVerify } = await import('jose')
    const keys = createLocalJWKSet(jsonWebKeySet(tokens))
    const { payload } = await jwtVerify(await tokens.issue(robotToken), keys, {
      currentDate: now,
      issuer: ISSUER,
      audience: ISSUER,
    })
    expect(payload.sub).toBe('system:serviceaccount:default:robot')
  })
})
