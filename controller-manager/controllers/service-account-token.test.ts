import { generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Secret, ServiceAccount } from '../../api/generated/types.ts'
import { accountOf, createSigner, reconcile, type TokenSettings } from './service-account-token.ts'

const account = (changes: Partial<ServiceAccount> = {}): ServiceAccount => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'builder', namespace: 'shop', uid: 'u1' },
  ...changes,
})
const secret = (name: string, uid?: string, data?: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/service-account-token',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    annotations: { 'kubernetes.io/service-account.name': 'builder', ...(uid && { 'kubernetes.io/service-account.uid': uid }) },
  },
  ...(data && { data }),
})
const settings = (legacy: boolean): TokenSettings => ({ sign: (claims) => JSON.stringify(claims), rootCa: 'CA', legacy })
const full = { token: 'dA==', 'ca.crt': 'Q0E=', namespace: 'c2hvcA==' }

describe('token secrets', () => {
  it('that a person made get token, CA and namespace', () => {
    const [action] = reconcile(account(), [secret('mine')], settings(false))
    expect(action).toMatchObject({ do: 'patch', key: { namespace: 'shop', name: 'mine' } })
    const { patch } = action as { patch: { data: Record<string, string> } }
    expect(Object.keys(patch.data)).toEqual(['token', 'ca.crt', 'namespace'])
    expect(JSON.parse(Buffer.from(patch.data['token']!, 'base64').toString())).toMatchObject({
      sub: 'system:serviceaccount:shop:builder',
      'kubernetes.io/serviceaccount/secret.name': 'mine',
    })
  })

  it('that are whole are left alone', () => {
    expect(reconcile(account(), [secret('mine', 'u1', full)], settings(false))).toEqual([])
  })

  it('of an account that had the name before are deleted', () => {
    expect(reconcile(account(), [secret('old', 'u0', full)], settings(false))).toEqual([
      { do: 'delete', kind: 'Secret', key: { namespace: 'shop', name: 'old' }, uid: 'old' },
    ])
  })

  it('are made for every account only when that is asked for, and once', () => {
    expect(reconcile(account(), [], settings(false))).toEqual([])
    const [create, refer] = reconcile(account(), [], settings(true))
    expect(create).toMatchObject({ do: 'create', existsOk: true })
    const name = (create as unknown as { object: Secret }).object.metadata.name
    expect(refer).toMatchObject({ do: 'patch', kind: 'ServiceAccount', patch: { secrets: [{ name }] } })
    const settled = account({ secrets: [{ name }] })
    expect(reconcile(settled, [secret(name, 'u1', full)], settings(true))).toEqual([])
    expect(reconcile(account(), [secret(name, 'u1', full)], settings(true))).toEqual([refer])
  })

  it('are made anew, under another name, when the secret or the reference to it was taken away', () => {
    const at = (resourceVersion: string, secrets?: { name: string }[]) =>
      account({ metadata: { ...account().metadata, resourceVersion }, ...(secrets && { secrets }) })
    const nameOf = (actions: ReturnType<typeof reconcile>) => (actions[0] as unknown as { object: Secret }).object.metadata.name
    const first = nameOf(reconcile(at('1'), [], settings(true)))
    const afterSecret = reconcile(at('2', [{ name: 'mine' }, { name: first }]), [], settings(true))
    const afterReference = reconcile(at('3'), [secret(first, 'u1', full)], settings(true))
    expect(nameOf(afterSecret)).not.toBe(first)
    expect(nameOf(afterReference)).not.toBe(first)
    expect(afterSecret[1]).toMatchObject({ patch: { secrets: [{ name: 'mine' }, { name: nameOf(afterSecret) }] } })
  })

  it('stop when the account is being deleted', () => {
    const leaving = account()
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    expect(reconcile(leaving, [secret('mine')], settings(true))).toEqual([])
  })

  it.each([
    [secret('mine'), 'shop/builder'],
    [{ ...secret('mine'), type: 'Opaque' }, undefined],
  ])('belong to the account that they name', (each, expected) => {
    expect(accountOf(each)).toBe(expected)
  })
})

describe('the signature', () => {
  it.each([
    ['RS256', 'sha256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', 'sha256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', 'sha384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ])('is one that the public key confirms: %s', (algorithm, hash, { privateKey, publicKey }) => {
    const token = createSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())({ sub: 'x' })
    const [head, body, signature] = token.split('.')
    expect(JSON.parse(Buffer.from(head!, 'base64url').toString())).toMatchObject({ alg: algorithm })
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
    expect(verify(hash, Buffer.from(`${head}.${body}`), key, Buffer.from(signature!, 'base64url'))).toBe(true)
  })

  it('is not made with a key that nobody could check', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    expect(() => createSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow(/use RSA or a NIST curve/)
  })
})
