/** Encryption at rest: values of chosen resources as upstream stores them, `k8s:enc:aesgcm:v1:key1:` and then the cipher text. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Transformer, Transformers } from '../storage/transformer.ts'
import type { EncryptionKey, EncryptionRule, Provider } from './encryption-configuration.ts'

const MARK = Buffer.from('k8s:enc:')

interface Cipher {
  encrypt(key: Buffer, storageKey: string, value: Buffer): Buffer
  decrypt(key: Buffer, storageKey: string, stored: Buffer): Buffer
}

/** The nonce is random; the storage key is authenticated, so that a value cannot be moved to another object. */
const aesgcm: Cipher = {
  encrypt(key, storageKey, value) {
    const nonce = randomBytes(12)
    const cipher = createCipheriv(gcmFor(key), key, nonce)
    cipher.setAAD(Buffer.from(storageKey))
    return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
  },
  decrypt(key, storageKey, stored) {
    if (stored.length < 28) throw new Error('the stored data was shorter than the required size')
    const decipher = createDecipheriv(gcmFor(key), key, stored.subarray(0, 12))
    decipher.setAAD(Buffer.from(storageKey))
    decipher.setAuthTag(stored.subarray(stored.length - 16))
    return Buffer.concat([decipher.update(stored.subarray(12, stored.length - 16)), decipher.final()])
  },
}

/** Kept for data that others wrote: nothing authenticates it. */
const aescbc: Cipher = {
  encrypt(key, _storageKey, value) {
    const iv = randomBytes(16)
    const cipher = createCipheriv(cbcFor(key), key, iv)
    return Buffer.concat([iv, cipher.update(value), cipher.final()])
  },
  decrypt(key, _storageKey, stored) {
    if (stored.length < 32) throw new Error('the stored data was shorter than the required size')
    const decipher = createDecipheriv(cbcFor(key), key, stored.subarray(0, 16))
    return Buffer.concat([decipher.update(stored.subarray(16)), decipher.final()])
  },
}

const gcmFor = (key: Buffer) => `aes-${(key.length * 8) as 128 | 192 | 256}-gcm` as const
const cbcFor = (key: Buffer) => `aes-${(key.length * 8) as 128 | 192 | 256}-cbc` as const

const CIPHERS = { aesgcm, aescbc }

interface Slot {
  prefix: Buffer
  cipher: Cipher
  key: EncryptionKey
}

/** Keys are rotated by putting a new one first, writing every object once, and then taking the old one out. */
export function createTransformer(providers: readonly Provider[]): Transformer {
  const slots = providers.flatMap((provider) => slotsOf(provider))
  const readsPlain = providers.some(({ kind }) => kind === 'identity')
  const writer = providers[0]?.kind === 'identity' ? undefined : slots[0]
  return {
    encode: (storageKey, value) =>
      writer ? Buffer.concat([writer.prefix, writer.cipher.encrypt(writer.key.secret, storageKey, value)]) : value,
    isCurrent: (stored) => (writer ? startsWith(stored, writer.prefix) : !startsWith(stored, MARK)),
    decode(storageKey, stored) {
      const isEncrypted = startsWith(stored, MARK)
      if (!isEncrypted && readsPlain) return stored
      if (!isEncrypted) throw new Error(`Cannot read ${storageKey}: it is not encrypted, and no identity provider is configured`)
      const slot = slots.find(({ prefix }) => startsWith(stored, prefix))
      if (!slot) throw new Error(`Cannot read ${storageKey}: no key is configured for ${headOf(stored)}`)
      try {
        return slot.cipher.decrypt(slot.key.secret, storageKey, stored.subarray(slot.prefix.length))
      } catch (error) {
        throw new Error(`Cannot read ${storageKey}: ${(error as Error).message}`, { cause: error })
      }
    },
  }
}

function slotsOf(provider: Provider): Slot[] {
  if (provider.kind === 'identity') return []
  const { kind, keys } = provider
  return keys.map((key) => ({ prefix: Buffer.from(`k8s:enc:${kind}:v1:${key.name}:`), cipher: CIPHERS[kind], key }))
}

const startsWith = (value: Buffer, prefix: Buffer): boolean =>
  value.length >= prefix.length && value.compare(prefix, 0, prefix.length, 0, prefix.length) === 0

/** `k8s:enc:aesgcm:v1:key1`: the part that names the key, for an error. */
const headOf = (stored: Buffer): string => stored.subarray(0, 256).toString('latin1').split(':').slice(0, 5).join(':')

/**
 * The transformers of a store, by resource. The first rule that names a resource counts; one of its own name comes before
 * wildcards of its group, and those before `*.*`, as upstream has it. Custom resources are found when they are asked for.
 */
export function createTransformers(rules: readonly EncryptionRule[]): Transformers {
  const made = rules.map(({ resources, providers }) => ({ resources, transformer: createTransformer(providers) }))
  const find = (prefix: string): Transformer | undefined => {
    const [, , group = '', resource = ''] = prefix.split('/')
    const names = group === 'core' ? [resource, '*.', '*.*'] : [`${resource}.${group}`, `*.${group}`, '*.*']
    for (const name of names) {
      const rule = made.find(({ resources }) => resources.includes(name))
      if (rule) return rule.transformer
    }
    return undefined
  }
  return new TransformersByPrefix(
    made.flatMap(({ resources }) => resources),
    find,
  )
}

/** A Map for its reader's sake: asked for a prefix, it answers by the rules, once. */
class TransformersByPrefix extends Map<string, Transformer> {
  readonly #known = new Map<string, Transformer | undefined>()
  readonly #find: (prefix: string) => Transformer | undefined
  readonly #rules: number

  constructor(resources: readonly string[], find: (prefix: string) => Transformer | undefined) {
    super()
    this.#find = find
    this.#rules = resources.length
  }

  override get size(): number {
    return this.#rules
  }

  override has(prefix: string): boolean {
    return this.get(prefix) !== undefined
  }

  override get(prefix: string): Transformer | undefined {
    if (!this.#known.has(prefix)) this.#known.set(prefix, this.#find(prefix))
    return this.#known.get(prefix)
  }
}
