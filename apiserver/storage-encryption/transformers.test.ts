import { createDecipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseEncryptionConfiguration, type Provider } from './encryption-configuration.ts'
import { createTransformer, createTransformers } from './transformers.ts'

const KEY = '/registry/core/secrets/default/a'
const value = Buffer.from('{"kind":"Secret"}')
const key = (name: string, fill: number, size = 32) => ({ name, secret: Buffer.alloc(size, fill) })
const gcm = (...keys: ReturnType<typeof key>[]): Provider => ({ kind: 'aesgcm', keys })
const identity: Provider = { kind: 'identity' }

describe('a transformer', () => {
  it.each<[string, Provider]>([
    ['aesgcm', gcm(key('key1', 1))],
    ['aesgcm', gcm(key('key1', 1, 16))],
    ['aescbc', { kind: 'aescbc', keys: [key('key1', 1)] }],
  ])('reads what it wrote with %s, under upstream’s prefix', (kind, provider) => {
    const transformer = createTransformer([provider])
    const stored = transformer.encode(KEY, value)
    expect(stored.toString('latin1')).toMatch(new RegExp(`^k8s:enc:${kind}:v1:key1:`))
    expect(stored.includes(value)).toBe(false)
    expect(transformer.decode(KEY, stored)).toEqual(value)
    expect(transformer.encode(KEY, value)).not.toEqual(stored)
  })

  it('stores AES-GCM as nonce, cipher text and tag with the key as authenticated data', () => {
    const stored = createTransformer([gcm(key('key1', 1))])
      .encode(KEY, value)
      .subarray('k8s:enc:aesgcm:v1:key1:'.length)
    const decipher = createDecipheriv('aes-256-gcm', Buffer.alloc(32, 1), stored.subarray(0, 12))
    decipher.setAAD(Buffer.from(KEY)).setAuthTag(stored.subarray(-16))
    expect(Buffer.concat([decipher.update(stored.subarray(12, -16)), decipher.final()])).toEqual(value)
  })

  it('tells what it would store in another way today: what is written anew is rotated', () => {
    const [old, both] = [
      createTransformer([gcm(key('key1', 1))]),
      createTransformer([gcm(key('key2', 2), key('key1', 1)), identity]),
    ]
    expect(both.isCurrent!(old.encode(KEY, value))).toBe(false)
    expect(both.isCurrent!(value)).toBe(false)
    expect(both.isCurrent!(both.encode(KEY, value))).toBe(true)
    const given = createTransformer([identity, gcm(key('key1', 1))])
    expect([given.isCurrent!(value), given.isCurrent!(old.encode(KEY, value))]).toEqual([true, false])
  })

  it('does not let a value be moved to another object, or be changed', () => {
    const transformer = createTransformer([gcm(key('key1', 1))])
    const stored = transformer.encode(KEY, value)
    expect(() => transformer.decode('/registry/core/secrets/default/b', stored)).toThrow(
      'Cannot read /registry/core/secrets/default/b',
    )
    stored[stored.length - 1]! ^= 1
    expect(() => transformer.decode(KEY, stored)).toThrow('Cannot read')
  })

  it('writes with the first key and reads with all: keys can be rotated', () => {
    const old = createTransformer([gcm(key('key1', 1))])
    const rotated = createTransformer([gcm(key('key2', 2), key('key1', 1)), identity])
    expect(rotated.decode(KEY, old.encode(KEY, value))).toEqual(value)
    expect(rotated.encode(KEY, value).toString('latin1')).toMatch(/^k8s:enc:aesgcm:v1:key2:/)
    const done = createTransformer([gcm(key('key2', 2))])
    expect(() => done.decode(KEY, old.encode(KEY, value))).toThrow('no key is configured for k8s:enc:aesgcm:v1:key1')
  })

  it('reads plain values only with the identity provider, which never takes cipher text for plain', () => {
    expect(createTransformer([gcm(key('a', 1)), identity]).decode(KEY, value)).toEqual(value)
    expect(() => createTransformer([gcm(key('a', 1))]).decode(KEY, value)).toThrow('it is not encrypted')
    const stored = createTransformer([gcm(key('a', 1))]).encode(KEY, value)
    expect(() => createTransformer([identity]).decode(KEY, stored)).toThrow('no key is configured')
    expect(createTransformer([identity, gcm(key('a', 1))]).encode(KEY, value)).toBe(value)
  })
})

describe('the transformers of a store', () => {
  const rule = (resources: string[], name: string) => ({ resources, providers: [gcm(key(name, 1))] })
  const written = (prefix: string, ...rules: ReturnType<typeof rule>[]) =>
    createTransformers(rules).get(prefix)?.encode(KEY, value).toString('latin1').split(':')[4]

  it.each([
    ['/registry/core/secrets/', 'named'],
    ['/registry/core/configmaps/', 'core'],
    ['/registry/apps/deployments/', 'apps'],
    ['/registry/example.com/widgets/', 'everything'],
  ])('are found for %s by its name, its group or *.*', (prefix, expected) => {
    const rules = [rule(['*.*'], 'everything'), rule(['*.'], 'core'), rule(['*.apps'], 'apps'), rule(['secrets'], 'named')]
    expect(written(prefix, ...rules)).toBe(expected)
  })

  it('leave other resources alone', () => {
    const transformers = createTransformers([rule(['secrets'], 'k')])
    expect(transformers.size).toBe(1)
    expect(transformers.get('/registry/core/pods/')).toBeUndefined()
  })
})

describe('parseEncryptionConfiguration', () => {
  const secret = Buffer.alloc(32, 1).toString('base64')
  const document = (providers: string) =>
    `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers: ${providers}\n`

  it('reads providers and keys in order', () => {
    expect(parseEncryptionConfiguration(document(`[{aesgcm: {keys: [{name: a, secret: ${secret}}]}}, {identity: {}}]`))).toEqual([
      { resources: ['secrets'], providers: [{ kind: 'aesgcm', keys: [key('a', 1)] }, { kind: 'identity' }] },
    ])
  })

  it.each([
    ['[]', /resources\[0\].providers: Required value: at least one provider is required/],
    ['[{rot13: {}}]', /Unsupported value: "rot13": supported values: "identity", "aesgcm", "aescbc"/],
    ['[{aesgcm: {keys: []}}]', /aesgcm.keys: Required value: at least one key is required/],
    [
      '[{aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}}]',
      /secret is not of the expected length, got 5, expected one of \[16 24 32\]/,
    ],
    ['[{aesgcm: {keys: [{name: "a:b", secret: x}]}}]', /may not contain ':'/],
    ['[{aesgcm: {}, identity: {}}]', /more than one provider specified/],
  ])('refuses the providers %s', (providers, message) => {
    expect(() => parseEncryptionConfiguration(document(providers))).toThrow(message)
  })

  it('refuses another kind of document', () => {
    expect(() => parseEncryptionConfiguration('kind: Pod')).toThrow(/kind: Unsupported value: "Pod"/)
  })
})
