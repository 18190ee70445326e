/** Forms of an object that clients ask for by Accept: tables for people's clients, bare metadata for those who need no more. */
import type { KubeObject } from '../../api/object.ts'
import { badRequest } from '../../api/status.ts'
import type { Accepted } from './negotiate.ts'
import type { Column, ResourceDefinition } from '../resources/resource.ts'
import type { ServedResource } from '../served-resources.ts'
import { fromStorageVersion } from '../storage-version.ts'

export interface ListMeta {
  resourceVersion?: string
  continue?: string
  remainingItemCount?: number
}

export type IncludeObject = 'Metadata' | 'None' | 'Object'

const META_V1 = 'meta.k8s.io/v1'

const defaultColumns: readonly Column<KubeObject>[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name must be unique within a namespace.',
    value: ({ metadata }) => metadata.name,
  },
  {
    name: 'Created At',
    type: 'date',
    description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
    value: ({ metadata }) => metadata.creationTimestamp ?? '',
  },
]

export function readIncludeObject(query: URLSearchParams): IncludeObject {
  const text = query.get('includeObject') || 'Metadata'
  if (text !== 'Metadata' && text !== 'None' && text !== 'Object')
    throw badRequest(`unrecognized includeObject value: ${JSON.stringify(text)}`)
  return text
}

export interface TableOptions {
  now: Date
  includeObject: IncludeObject
  /** A watch names the columns once, with its first event. */
  withColumns?: boolean
  asVersion?: string | undefined
  /** From the stored form, which cells are made of, to the version that the client asked for. */
  show: (stored: KubeObject) => KubeObject
}

export function toTable(
  { columns = defaultColumns }: ResourceDefinition,
  objects: readonly KubeObject[],
  metadata: ListMeta,
  { now, includeObject, withColumns = true, asVersion = 'v1', show }: TableOptions,
) {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${asVersion}`,
    metadata,
    columnDefinitions: withColumns ? columns.map(toColumnDefinition) : null,
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.value(object, now) ?? null),
      object: rowObject(show(object), includeObject),
    })),
  }
}

const toColumnDefinition = ({ name, type, format = '', description = '', priority = 0 }: Column<KubeObject>) => ({
  name,
  type,
  format,
  description,
  priority,
})

function rowObject(object: KubeObject, includeObject: IncludeObject): unknown {
  if (includeObject === 'None') return null
  return includeObject === 'Object' ? object : toPartialMetadata(object)
}

export const toPartialMetadata = ({ metadata }: KubeObject, asVersion = 'v1') => ({
  kind: 'PartialObjectMetadata',
  apiVersion: asVersion === 'v1' ? META_V1 : `meta.k8s.io/${asVersion}`,
  metadata,
})

export const toPartialMetadataList = (objects: readonly KubeObject[], metadata: ListMeta, asVersion = 'v1') => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: `meta.k8s.io/${asVersion}`,
  metadata,
  items: objects.map((object) => toPartialMetadata(object, asVersion)),
})

/** One stored object in the form that the client takes. */
export function viewObject(
  resource: ServedResource,
  stored: KubeObject,
  { as, asVersion }: Accepted,
  query: URLSearchParams,
  now: Date,
): object {
  const show = (object: KubeObject) => fromStorageVersion(resource, object)
  if (as === 'Table') {
    const { resourceVersion } = stored.metadata
    const options = { now, includeObject: readIncludeObject(query), asVersion, show }
    return toTable(resource.definition, [stored], resourceVersion ? { resourceVersion } : {}, options)
  }
  return as === 'PartialObjectMetadata' ? toPartialMetadata(stored, asVersion) : show(stored)
}
