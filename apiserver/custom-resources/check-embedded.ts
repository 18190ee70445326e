/** The rules of an object inside of a custom resource: it says what it is, and its metadata is in order. */
import { invalid, required, type FieldError } from '../../api/field-error.ts'
import type { ObjectMeta } from '../../api/generated/types.ts'
import { isDNS1035Label, isPathSegment } from '../../api/names.ts'
import { decode } from '../../api/schema/decode.ts'
import { validateObjectMeta } from '../resources/rules/object-meta.ts'

const isPathName = (name: string): string | null => isPathSegment(name)[0] ?? null

export function checkEmbedded(value: Record<string, unknown>, path: string): FieldError[] {
  return [...checkApiVersion(value, `${path}.apiVersion`), ...checkKind(value, `${path}.kind`), ...checkMetadata(value, path)]
}

function checkApiVersion({ apiVersion }: Record<string, unknown>, path: string): FieldError[] {
  if (apiVersion === undefined) return [required(path, 'must not be empty')]
  if (typeof apiVersion !== 'string') return [invalid(path, apiVersion, 'must be a string')]
  if (apiVersion === '') return [invalid(path, apiVersion, 'must not be empty')]
  return apiVersion.split('/').length > 2 ? [invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)] : []
}

function checkKind({ kind }: Record<string, unknown>, path: string): FieldError[] {
  if (kind === undefined) return [required(path, 'must not be empty')]
  if (typeof kind !== 'string') return [invalid(path, kind, 'must be a string')]
  if (kind === '') return [invalid(path, kind, 'must not be empty')]
  const complaints = isDNS1035Label(kind.toLowerCase())
  return complaints.length > 0
    ? [invalid(path, kind, `may have mixed case, but should otherwise match: ${complaints.join(',')}`)]
    : []
}

function checkMetadata({ metadata }: Record<string, unknown>, path: string): FieldError[] {
  if (metadata === undefined) return []
  try {
    const { object } = decode<ObjectMeta>('ObjectMeta', structuredClone(metadata))
    const meta = { ...object, name: object.name || 'fakename' }
    const namespaced = !!meta.namespace
    return validateObjectMeta(meta, { namespaced, validateName: isPathName, qualifiedFinalizers: false }).map((error) => ({
      ...error,
      field: `${path}.${error.field}`,
    }))
  } catch (error) {
    return [invalid(`${path}.metadata`, metadata, (error as Error).message)]
  }
}
