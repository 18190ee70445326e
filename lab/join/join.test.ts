import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { LabDefinition } from '../definition.ts'
import { complaintOf } from './approve-serving.ts'
import { createBootstrapToken, toText } from './bootstrap-token.ts'
import { readClusterInfo } from './cluster-info.ts'

describe('a bootstrap token', () => {
  it('has the form that Kubernetes knows, and is another each time', () => {
    const texts = [createBootstrapToken(), createBootstrapToken()].map(toText)
    for (const text of texts) expect(text).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/)
    expect(texts[0]).not.toBe(texts[1])
  })
})

describe('cluster-info', () => {
  const token = { id: 'abcdef', secret: '0123456789abcdef' }
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const sign = (kubeconfig: string, secret = token.secret, alg = 'HS256') => {
    const header = encode(JSON.stringify({ alg, kid: token.id }))
    const signature = createHmac('sha256', secret)
      .update(`${header}.${encode(kubeconfig)}`)
      .digest('base64url')
    return { kubeconfig, 'jws-kubeconfig-abcdef': `${header}..${signature}` }
  }

  it('is believed when the token has signed it', () => {
    expect(readClusterInfo({ data: sign('a: 1') }, token)).toBe('a: 1')
  })

  it('is nothing yet while the token has not', () => {
    expect(readClusterInfo({ data: { kubeconfig: 'a: 1' } }, token)).toBeUndefined()
  })

  it.each([
    ['other words', { ...sign('a: 1'), kubeconfig: 'a: 2' }],
    ['another secret', sign('a: 1', 'fedcba9876543210')],
    ['another algorithm', sign('a: 1', token.secret, 'none')],
    ['a signature cut short', { kubeconfig: 'a: 1', 'jws-kubeconfig-abcdef': `${encode('{"alg":"HS256"}')}..AAAA` }],
  ])('is refused with %s', (_, data) => {
    expect(() => readClusterInfo({ data }, token)).toThrow('Cannot trust cluster-info')
  })
})

describe('the serving certificate of a kubelet', () => {
  const lab: LabDefinition = { name: 'lab', index: 3, nodes: ['node-1', 'node-2'], internet: false }
  const asked = (username: string, groups = ['system:nodes', 'system:authenticated']) =>
    ({ spec: { username, groups } }) as unknown as CertificateSigningRequest

  it.each<[string, CertificateSigningRequest, string[], string | null]>([
    ['its name and address', asked('system:node:node-2'), ['node-2', '172.30.3.12'], null],
    ["another node's name", asked('system:node:node-2'), ['node-1'], 'node-1 is not node-2'],
    ["another node's address", asked('system:node:node-2'), ['node-2', '172.30.3.11'], '172.30.3.11 is not node-2'],
    ['the name of the API server', asked('system:node:node-2'), ['kubernetes'], 'kubernetes is not node-2'],
    ['a URI', asked('system:node:node-2'), ['node-2', 'url:https://node-2'], 'url:https://node-2 is not node-2'],
    ['a node that is none', asked('system:node:node-9'), ['node-9'], 'system:node:node-9 is no node of the lab'],
    ['somebody else', asked('bob'), ['node-1'], 'bob is no node of the lab'],
    ['a node without its group', asked('system:node:node-1', []), ['node-1'], 'system:node:node-1 is no node of the lab'],
  ])('is judged by what the lab knows: %s', (_, csr, names, complaint) => {
    expect(complaintOf(lab, csr, names)).toBe(complaint)
  })
})
