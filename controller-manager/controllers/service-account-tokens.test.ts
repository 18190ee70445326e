import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { compactVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createModel } from '../model.ts'
import { createServiceAccountTokensController, createTokenSigner } from './service-account-tokens.ts'
import { tokenCleaner } from './token-cleaner.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signer = createTokenSigner(privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
const tokens = createServiceAccountTokensController(signer, 'the CA')
const text = (value: string | undefined) => Buffer.from(value ?? '', 'base64').toString()

function withSecret(annotations = {}) {
  const model = createModel([tokens])
  model.add('Secret', {
    metadata: { namespace: 'default', name: 's', annotations: { 'kubernetes.io/service-account.name': 'robot', ...annotations } },
    type: 'kubernetes.io/service-account-token',
  })
  return model
}

describe('a secret of type service account token', () => {
  it('is filled once its account exists, with a token that the key vouches for', async () => {
    const model = withSecret()
    model.settle(tokens)
    expect(model.get('Secret', 'default/s')?.data).toBeUndefined()
    model.add('ServiceAccount', { metadata: { namespace: 'default', name: 'robot', uid: 'r' } })
    model.settle(tokens)
    const { data, metadata } = model.get('Secret', 'default/s')!
    expect([text(data?.['ca.crt']), text(data?.['namespace'])]).toEqual(['the CA', 'default'])
    expect(metadata.annotations?.['kubernetes.io/service-account.uid']).toBe('r')
    const { payload } = await compactVerify(text(data?.['token']), createPublicKey(privateKey))
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({
      iss: 'kubernetes/serviceaccount',
      sub: 'system:serviceaccount:default:robot',
    })
  })

  it('goes with its account, also when another of the name has come', () => {
    const model = withSecret({ 'kubernetes.io/service-account.uid': 'old' })
    model.add('ServiceAccount', { metadata: { namespace: 'default', name: 'robot', uid: 'new' } })
    model.run(tokens)
    expect(model.list('Secret')).toEqual([])
  })
})

it.each([
  ['2025-12-31T23:59:59Z', 0],
  ['2026-01-01T00:01:00Z', 1],
  ['nonsense', 0],
])('a bootstrap token that ends %s leaves %i', (expiration, left) => {
  const model = createModel([tokenCleaner])
  const data = { expiration: Buffer.from(expiration).toString('base64') }
  model.add('Secret', { metadata: { namespace: 'kube-system', name: 't' }, type: 'bootstrap.kubernetes.io/token', data })
  model.settle(tokenCleaner)
  expect(model.list('Secret')).toHaveLength(left)
})
