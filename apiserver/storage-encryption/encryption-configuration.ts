/** Reads an EncryptionConfiguration: which resources are encrypted at rest, by which providers and keys. */
import { parse } from 'yaml'
import { required, invalid, notSupported, type FieldError } from '../../api/field-error.ts'

export interface EncryptionKey {
  name: string
  secret: Buffer
}

/** The first provider of a rule writes; all of them read. */
export type Provider = { kind: 'identity' } | { kind: 'aesgcm' | 'aescbc'; keys: EncryptionKey[] }

export interface EncryptionRule {
  /** `secrets`, `widgets.example.com`, `*.apps`, `*.` for the core group, `*.*`. */
  resources: string[]
  providers: Provider[]
}

interface Document {
  apiVersion?: unknown
  kind?: unknown
  resources?: { resources?: unknown; providers?: unknown }[]
}

const KEY_SIZES = [16, 24, 32]

/** Throws an Error that names every mistake: a server must not start with half of its encryption. */
export function parseEncryptionConfiguration(text: string): EncryptionRule[] {
  const document = (parse(text) ?? {}) as Document
  const errors: FieldError[] = []
  if (document.kind !== 'EncryptionConfiguration') errors.push(notSupported('kind', document.kind, ['EncryptionConfiguration']))
  if (document.apiVersion !== 'apiserver.config.k8s.io/v1') {
    errors.push(notSupported('apiVersion', document.apiVersion, ['apiserver.config.k8s.io/v1']))
  }
  const list = Array.isArray(document.resources) ? document.resources : []
  if (list.length === 0) errors.push(required('resources', 'at least one resource configuration object is required'))
  const rules = list.map((one, index) => readRule(one, `resources[${index}]`, errors))
  if (errors.length > 0) {
    throw new Error(
      `Cannot use the encryption configuration: ${errors.map(({ field, message }) => `${field}: ${message}`).join(', ')}`,
    )
  }
  return rules
}

function readRule(rule: NonNullable<Document['resources']>[number], field: string, errors: FieldError[]): EncryptionRule {
  const resources = Array.isArray(rule?.resources) ? rule.resources.map(String) : []
  const providers = Array.isArray(rule?.providers) ? (rule.providers as unknown[]) : []
  if (resources.length === 0) errors.push(required(`${field}.resources`, 'at least one resource is required'))
  if (providers.length === 0) errors.push(required(`${field}.providers`, 'at least one provider is required'))
  return {
    resources,
    providers: providers.flatMap((provider, index) => readProvider(provider, `${field}.providers[${index}]`, errors) ?? []),
  }
}

function readProvider(value: unknown, field: string, errors: FieldError[]): Provider | undefined {
  const entries = Object.entries((value ?? {}) as Record<string, unknown>)
  const [kind, settings] = entries[0] ?? []
  if (kind === undefined)
    errors.push(required(field, 'provider does not contain any of the expected providers: identity, aesgcm, aescbc'))
  else if (entries.length > 1)
    errors.push(
      invalid(
        field,
        entries.map(([name]) => name),
        'more than one provider specified in a single element, should split into different list elements',
      ),
    )
  else if (kind === 'identity') return { kind }
  else if (kind === 'aesgcm' || kind === 'aescbc') return { kind, keys: readKeys(settings, `${field}.${kind}`, errors) }
  else errors.push(notSupported(field, kind, ['identity', 'aesgcm', 'aescbc']))
  return undefined
}

function readKeys(settings: unknown, field: string, errors: FieldError[]): EncryptionKey[] {
  const { keys } = (settings ?? {}) as { keys?: unknown }
  const list = Array.isArray(keys) ? (keys as { name?: unknown; secret?: unknown }[]) : []
  if (list.length === 0) errors.push(required(`${field}.keys`, 'at least one key is required'))
  const names = new Set<string>()
  return list.map(({ name, secret }, index) => {
    const at = `${field}.keys[${index}]`
    const text = typeof name === 'string' ? name : ''
    if (text === '') errors.push(required(`${at}.name`))
    // The name ends at a colon in what is stored.
    else if (text.includes(':')) errors.push(invalid(`${at}.name`, text, "may not contain ':'"))
    else if (names.has(text)) errors.push(invalid(`${at}.name`, text, 'is used by another key already'))
    names.add(text)
    const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64')
    // The secret itself is kept out of the message.
    if (!KEY_SIZES.includes(bytes.length)) {
      errors.push(
        invalid(
          `${at}.secret`,
          'REDACTED',
          `secret is not of the expected length, got ${bytes.length}, expected one of [${KEY_SIZES.join(' ')}]`,
        ),
      )
    }
    return { name: text, secret: bytes }
  })
}
