/** What the API server must know of a resource to serve it: data and pure functions, no I/O. One file a kind holds one. */
import type { FieldError } from '../../api/field-error.ts'
import type { KubeObject } from '../../api/object.ts'

/** One column of `kubectl get`. `priority` 0 is always shown, 1 with `-o wide`. */
export interface Column<T> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  description?: string
  priority?: number
  /** Upstream's cell: times as ages (`5m`), empty as `<none>`. */
  value: (object: T, now: Date) => unknown
}

/** The names a client addresses a resource by, and how it is stored: built-in kinds come from api/kinds.ts, custom ones from their definition. */
export interface ResourceNames {
  group: string
  /** Served versions, the preferred one first; objects are stored in `storageVersion`. */
  versions: readonly string[]
  storageVersion: string
  kind: string
  listKind: string
  plural: string
  singular: string
  shortNames: readonly string[]
  categories: readonly string[]
  namespaced: boolean
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/** What differs between a kind and a plain bag of fields. Every member is optional; `defineResource` fills the rest. */
export interface ResourceBehaviour<T extends KubeObject> {
  /** Name rule of metadata.name; default DNS subdomain. Answers the complaint, or null. */
  validateName?: (name: string, prefix: boolean) => string | null
  /** Fills what upstream's defaulting fills. Changes the object in place; runs on every decode. */
  setDefaults?: (object: T) => void
  /** Drops what a creator may not set (usually status) and sets generation-like fields. In place. */
  prepareForCreate?: (object: T) => void
  /** Keeps what this update may not change (status on the main resource, all else on /status). In place on `object`. */
  prepareForUpdate?: (object: T, old: T) => void
  validate?: (object: T) => FieldError[]
  /** Only the rules between the two: immutable fields and the like. `validate` runs on updates as well. */
  validateUpdate?: (object: T, old: T) => FieldError[]
  /** As `prepareForUpdate` and `validateUpdate`, for PUT and PATCH on /status. */
  prepareForStatusUpdate?: (object: T, old: T) => void
  validateStatusUpdate?: (object: T, old: T) => FieldError[]
  /** Warnings for the `Warning` header, in upstream's words. */
  warnings?: (object: T, old?: T) => string[]
  /** Does this change count as one of the spec, so that metadata.generation rises? Default: when kind has a spec and it differs. */
  generationChanges?: (object: T, old: T) => boolean
  columns?: readonly Column<T>[]
  /** Field selectors beside metadata.name and metadata.namespace. */
  selectableFields?: Record<string, (object: T) => string>
  /** `status` has its own subresource: a write to one leaves the other alone. */
  hasStatus?: boolean
  /** Paths of /scale, when the kind has it. */
  scale?: { specReplicas: string; statusReplicas: string; selector: string }
  /** Default grace of DELETE in seconds, from the object and the request; absent for kinds that go at once. */
  gracePeriodSeconds?: (object: T, requested: number | undefined) => number
  /** How a DELETE without a propagation policy treats dependents. */
  defaultPropagation?: 'Background' | 'Orphan'
  verbs?: readonly Verb[]
  /** Conversions from and to the storage version, by served version. In: a decoded object; out: a new one. */
  conversions?: Record<string, { toStorage: (object: KubeObject) => KubeObject; fromStorage: (object: KubeObject) => KubeObject }>
}

export interface ResourceDefinition<T extends KubeObject = KubeObject> extends ResourceBehaviour<T> {
  names: ResourceNames
  /** The model in api/generated/schemas.json by served version. Custom resources carry their own schema instead. */
  models: Record<string, string>
}
