import { compactVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createModel, type Model } from '../model.ts'
import { bootstrapSigner } from './bootstrap-signer.ts'
import { tokenCleaner } from './token-cleaner.ts'

const kubeconfig = 'apiVersion: v1\nkind: Config\n'
const all = [bootstrapSigner, tokenCleaner]

function withClusterInfo(): Model {
  const model = createModel(all)
  model.add('ConfigMap', { metadata: { namespace: 'kube-public', name: 'cluster-info' }, data: { kubeconfig } })
  return model
}
const addToken = (model: Model, id: string, fields: Record<string, string> = {}) =>
  model.add('Secret', {
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(
      Object.entries({ 'token-id': id, 'token-secret': 'f395accd246ae52d', 'usage-bootstrap-signing': 'true', ...fields }).map(
        ([name, value]) => [name, Buffer.from(value).toString('base64')],
      ),
    ),
  })
const data = (model: Model) => model.get('ConfigMap', 'kube-public/cluster-info')!.data!
const signatures = (model: Model) => Object.keys(data(model)).filter((name) => name !== 'kubeconfig')

describe('cluster-info', () => {
  it('is signed so that who has the token can verify it', async () => {
    const model = withClusterInfo()
    addToken(model, 'abcdef')
    model.settle(...all)
    const [header, , signature] = data(model)['jws-kubeconfig-abcdef']!.split('.')
    const whole = `${header}.${Buffer.from(kubeconfig).toString('base64url')}.${signature}`
    const { protectedHeader } = await compactVerify(whole, Buffer.from('f395accd246ae52d'))
    expect(protectedHeader).toEqual({ alg: 'HS256', kid: 'abcdef' })
    expect(data(model)['kubeconfig']).toBe(kubeconfig)
  })

  it.each<[string, Record<string, string>]>([
    ['is not meant for signing', { 'usage-bootstrap-signing': 'false' }],
    ['has another name', { 'token-id': 'ghijkl' }],
    ['has no secret', { 'token-secret': '' }],
    ['is over', { expiration: '2025-12-31T00:00:00Z' }],
  ])('is not signed by a token that %s', (_, fields) => {
    const model = withClusterInfo()
    addToken(model, 'abcdef', fields)
    model.settle(...all)
    expect(signatures(model)).toEqual([])
  })

  it('loses the signature of a token that is gone or over', () => {
    const model = withClusterInfo()
    addToken(model, 'abcdef', { expiration: '2026-01-01T01:00:00Z' })
    addToken(model, 'ghijkl')
    model.settle(...all)
    expect(signatures(model)).toHaveLength(2)
    model.now = new Date('2026-01-01T02:00:00Z')
    model.settle(...all)
    expect(signatures(model)).toEqual(['jws-kubeconfig-ghijkl'])
    model.delete('Secret', 'kube-system/bootstrap-token-ghijkl')
    model.settle(...all)
    expect(signatures(model)).toEqual([])
  })

  it('leaves all other config maps alone', () => {
    const model = withClusterInfo()
    model.add('ConfigMap', { metadata: { namespace: 'default', name: 'cluster-info' }, data: { kubeconfig } })
    addToken(model, 'abcdef')
    model.settle(...all)
    expect(model.get('ConfigMap', 'default/cluster-info')?.data).toEqual({ kubeconfig })
  })
})
