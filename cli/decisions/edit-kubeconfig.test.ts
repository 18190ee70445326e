import { describe, expect, test } from 'vitest'
import { minify, type RawKubeconfig, redact, withEntry, withProperty, withRenamedContext } from './edit-kubeconfig.ts'

describe('kubeconfigs', () => {
  const config: RawKubeconfig = {
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server: 's' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
    users: [
      { name: 'u', user: { token: 't', 'client-key-data': 'k' } },
      { name: 'v', user: {} },
    ],
  }

  test('entries are changed, not replaced', () => {
    const { contexts } = withEntry(config, 'context', 'a', { namespace: 'x' })
    expect(contexts).toEqual([{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'x' } }])
  })

  test('a renamed context stays the current one', () => {
    expect(withRenamedContext(config, 'a', 'b', 'f')['current-context']).toBe('b')
    expect(() => withRenamedContext(config, 'z', 'b', 'f')).toThrow(`cannot rename the context "z", it's not in f`)
  })

  test('properties are set and unset by path', () => {
    expect(withProperty(config, 'contexts.a.namespace', 'x')['contexts']).toMatchObject([{ context: { namespace: 'x' } }])
    expect(withProperty(config, 'users.u', undefined)['users']).toEqual([{ name: 'v', user: {} }])
    expect(withProperty(config, 'current-context', undefined)['current-context']).toBe('')
  })

  test('secrets are not shown, what is not used is left out', () => {
    expect(redact(minify(config))).toMatchObject({
      users: [{ name: 'u', user: { token: 'REDACTED', 'client-key-data': 'DATA+OMITTED' } }],
    })
  })
})
