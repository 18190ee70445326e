/** Label and field selectors of a list or watch, read from the request and asked of entries without parsing them. */
import {
  createFieldSelector,
  parseFieldSelector,
  requiredValue,
  onlyMetadataFields,
  unsupportedFieldLabel,
  type FieldSelector,
} from '../../api/fields.ts'
import { EVERYTHING, parseLabelSelector, SelectorError, type Selector } from '../../api/labels.ts'
import { badRequest } from '../../api/status.ts'
import { invalidPathSegment, type RequestInfo } from '../requests/request-info.ts'
import { keyFor, type ServedResource } from '../served-resources.ts'
import type { Entry, ListQuery, Store } from '../storage/store.ts'

export interface Selection {
  /** Neither selector narrows anything: what the namespace holds is what is asked for. */
  everything: boolean
  matches(entry: Entry): boolean
  namespace: string
  /** The only name that can match. */
  name: string | undefined
  /** The part that the store answers by an index. */
  query: ListQuery
}

const noFields: FieldSelector = parseFieldSelector('')

export function readSelection({ namespace, query }: RequestInfo, resource: ServedResource): Selection {
  const labelText = query.get('labelSelector')
  const fieldText = query.get('fieldSelector')
  const labels = labelText ? orBadRequest(() => parseLabelSelector(labelText)) : EVERYTHING
  const fields = fieldText
    ? storedNames(
        orBadRequest(() => parseFieldSelector(fieldText)),
        resource,
      )
    : noFields
  refuseUnknownFields(fields, resource)
  const onlyNamespace = namespace || requiredValue(fields, 'metadata.namespace') || ''
  const name = requiredValue(fields, 'metadata.name')
  return {
    everything: labels.requirements.length === 0 && fields.requirements.length === 0,
    matches: matcherOf(labels, fields),
    namespace: onlyNamespace,
    name: name !== undefined && invalidPathSegment(name) === null ? name : undefined,
    query: { ...(onlyNamespace && { namespace: onlyNamespace }), ...indexOf(fields, resource) },
  }
}

function orBadRequest<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message)
    throw error
  }
}

/** A version may call a field otherwise than the one that is stored. */
function storedNames(fields: FieldSelector, { definition: { fieldAliases } }: ServedResource): FieldSelector {
  if (!fieldAliases) return fields
  return createFieldSelector(
    fields.requirements.map((requirement) => ({ ...requirement, field: fieldAliases[requirement.field] ?? requirement.field })),
  )
}

function refuseUnknownFields({ requirements }: FieldSelector, { definition }: ServedResource): void {
  const { selectableFields, schemas } = definition
  for (const { field } of requirements) {
    if (field === 'metadata.name' || field === 'metadata.namespace' || Object.hasOwn(selectableFields ?? {}, field)) continue
    // Upstream has words of its own for built-in kinds with no more fields than every kind has.
    throw badRequest(selectableFields || schemas ? unsupportedFieldLabel(field) : onlyMetadataFields(field))
  }
}

function indexOf(fields: FieldSelector, { definition }: ServedResource): Pick<ListQuery, 'index'> {
  if (fields.requirements.length === 0) return {}
  for (const field of definition.indexedFields ?? []) {
    const value = requiredValue(fields, field)
    if (value !== undefined) return { index: { field, value } }
  }
  return {}
}

function matcherOf(labels: Selector, fields: FieldSelector): (entry: Entry) => boolean {
  if (fields.requirements.length === 0)
    return labels.requirements.length === 0 ? () => true : (entry) => labels.matches(entry.labels)
  return (entry) => labels.matches(entry.labels) && fields.matches((field) => fieldOf(entry, field))
}

function fieldOf(entry: Entry, field: string): string {
  if (field === 'metadata.name') return entry.name
  if (field === 'metadata.namespace') return entry.namespace
  return entry.fields[field] ?? ''
}

/** What the selection holds at the cache's revision, ordered by key. */
export function select(store: Store, { prefix, definition }: ServedResource, selection: Selection): Entry[] {
  const { name, namespace } = selection
  if (name !== undefined && (namespace || !definition.names.namespaced)) {
    const entry = store.get(keyFor(prefix, namespace, name))
    return entry && selection.matches(entry) ? [entry] : []
  }
  const entries = store.list(prefix, selection.query)
  return selection.everything ? entries : entries.filter(selection.matches)
}
