/** Secret. */
import { jsonProblem } from '../../api/json.ts'
import { invalid, required, tooLong } from '../../api/field-error.ts'
import type { Secret } from '../../api/generated/types.ts'
import { isConfigMapKey } from '../../api/names.ts'
import { AGE, integer, NAME, text } from './columns.ts'
import { decodedLength, immutableErrors, MAX_DATA_SIZE } from './config-map.ts'
import { check, checkImmutable, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

export const secret: ResourceBehaviour<Secret> = {
  setDefaults: (secret) => {
    secret.type ||= 'Opaque'
    // stringData is for writing only: it goes into data and is never shown again.
    if (!secret.stringData) return
    secret.data ??= {}
    for (const key in secret.stringData) secret.data[key] = Buffer.from(secret.stringData[key]!).toString('base64')
    delete secret.stringData
  },
  prepareForUpdate: (secret, old) => {
    // `type` was set by defaulting when the writer left it out, as most do.
    secret.type ??= old.type
  },
  validate: (secret) => {
    const errors: Errors = []
    let size = 0
    for (const key in secret.data) {
      check(errors, `data[${key}]`, key, isConfigMapKey(key))
      size += decodedLength(secret.data[key]!)
    }
    if (size > MAX_DATA_SIZE) errors.push(tooLong('data', MAX_DATA_SIZE))
    if (secret.type) TYPES[secret.type]?.(errors, secret)
    return errors
  },
  validateUpdate: (secret, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'type', secret.type, old.type)
    return old.immutable ? errors.concat(immutableErrors(secret, old, ['data'])) : errors
  },
  columns: [
    NAME,
    text('Type', 'Used to facilitate programmatic handling of secret data.', ({ type }) => type ?? ''),
    integer('Data', 'The number of keys.', ({ data }) => Object.keys(data ?? {}).length),
    AGE,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
}

type TypeRule = (errors: Errors, secret: Secret) => void

const requireKeys =
  (...keys: string[]): TypeRule =>
  (errors, { data }) => {
    for (const key of keys) if (data?.[key] === undefined) errors.push(required(`data[${key}]`))
  }

const requireJson =
  (key: string): TypeRule =>
  (errors, { data }) => {
    const value = data?.[key]
    if (value === undefined) {
      errors.push(required(`data[${key}]`))
      return
    }
    try {
      JSON.parse(Buffer.from(value, 'base64').toString())
    } catch (error) {
      errors.push(invalid(`data[${key}]`, '<secret contents redacted>', jsonProblem(error)))
    }
  }

/** What each of upstream's types must carry. */
const TYPES: Record<string, TypeRule> = {
  'kubernetes.io/service-account-token': (errors, { metadata }) => {
    const annotation = 'kubernetes.io/service-account.name'
    if (!metadata.annotations?.[annotation]) errors.push(required(`metadata.annotations[${annotation}]`))
  },
  'kubernetes.io/dockercfg': requireJson('.dockercfg'),
  'kubernetes.io/dockerconfigjson': requireJson('.dockerconfigjson'),
  'kubernetes.io/basic-auth': (errors, { data }) => {
    if (data?.username !== undefined || data?.password !== undefined) return
    errors.push(required('data[%s][username]'), required('data[%s][password]'))
  },
  'kubernetes.io/ssh-auth': (errors, { data }) => {
    if (!data?.['ssh-privatekey']) errors.push(required('data[%s][ssh-privatekey]'))
  },
  'kubernetes.io/tls': requireKeys('tls.crt', 'tls.key'),
}
