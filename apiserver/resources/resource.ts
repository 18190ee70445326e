/** What the API server must know of a resource to serve it: data and pure functions, no I/O. One file a kind holds one. */
import type { FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ClusterReader } from '../admission/plugin.ts'
import type { ServiceAllocator } from '../allocators/service-allocator.ts'

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
  /**
   * Set when the objects are stored as those of another group: `''` for events.k8s.io, whose events are core's.
   * Key prefix and stored apiVersion then come from this group; `conversions` turn the served form into the stored one.
   */
  storageGroup?: string
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

/** What a write to come may look at and hold on to. */
export interface WriteContext {
  reader: ClusterReader
  services: ServiceAllocator
  dryRun: boolean
}

/** Reservations of one write that is not stored yet. Exactly one of the two is called, once. Neither rejects: they log. */
export interface Hold {
  /** The write is stored: lets go of what only the old object used. */
  commit(): Promise<void>
  /** The write did not happen (a conflict, an error, a dry run): lets go of what only the new object would have used. */
  rollback(): Promise<void>
}

/** What differs between a kind and a plain bag of fields. Every member is optional; `defineResource` fills the rest. */
export interface ResourceBehaviour<T extends KubeObject> {
  /** Name rule of metadata.name; default DNS subdomain. Answers the complaint, or null. */
  validateName?: (name: string, prefix: boolean) => string | null
  /** Fills what upstream's defaulting fills. Changes the object in place; runs on every decode. */
  setDefaults?: (object: T) => void
  /** Drops what a creator may not set (usually status) and sets generation-like fields. In place. May throw an `ApiError`. */
  prepareForCreate?: (object: T) => void
  /**
   * Keeps what this update may not change (status on the main resource, all else on /status). In place on `object`, which may
   * share members with `old` afterwards: neither may be changed deeply from then on.
   */
  prepareForUpdate?: (object: T, old: T) => void
  validate?: (object: T) => FieldError[]
  /** Rules for new objects only, which those that are stored already may break. Runs on what `validate` has nothing against. */
  validateCreate?: (object: T) => FieldError[]
  /** Only the rules between the two: immutable fields and the like. `validate` runs on updates as well. */
  validateUpdate?: (object: T, old: T) => FieldError[]
  /** As `prepareForUpdate` and `validateUpdate`, for PUT and PATCH on /status. */
  prepareForStatusUpdate?: (object: T, old: T) => void
  validateStatusUpdate?: (object: T, old: T) => FieldError[]
  /**
   * Rules of further subresources that change one part of the object (`ephemeralcontainers`, `resize`, `approval`), by their name:
   * run beside `validate`, instead of `validateUpdate`.
   */
  validateSubresource?: Record<string, (object: T, old: T) => FieldError[]>
  /** Warnings for the `Warning` header, in upstream's words. */
  warnings?: (object: T, old?: T) => string[]
  /** Served versions that clients should leave, with the warning that every request for them gets. */
  deprecations?: Readonly<Record<string, string>>
  /**
   * The last step before the store is written, after admission and validation: claims what must be unique across API servers
   * (cluster IPs, node ports) and may put it into `object`, in place. Called once for each attempt at the compare-and-swap,
   * with the `old` that the attempt is based on; each answer is committed or rolled back before the next attempt.
   * create: `old` is undefined. delete (the final one, when the object goes from the store): `object` is undefined.
   * Throws the `ApiError` to answer with (422 for an address that is taken); nothing is held then.
   */
  beforeStore?: (object: T | undefined, old: T | undefined, context: WriteContext) => Promise<Hold>
  /**
   * Does this change count as one of the spec, so that metadata.generation rises? Absent on a definition: the kind has no
   * generation. Present: generation is 1 on create, and old + 1 when this says so. Default: when kind has a spec and it differs.
   */
  generationChanges?: (object: T, old: T) => boolean
  columns?: readonly Column<T>[]
  /** Field selectors beside metadata.name and metadata.namespace. */
  selectableFields?: Record<string, (object: T) => string>
  /** Further names that a selector may use for a selectable field: those of a version that calls it otherwise. */
  fieldAliases?: Readonly<Record<string, string>>
  /** Those selectable fields that the store keeps an index on. */
  indexedFields?: readonly string[]
  /** `status` has its own subresource: a write to one leaves the other alone. */
  hasStatus?: boolean
  /** The status that a new object starts with, where there is `hasStatus`; default `{}`. */
  newStatus?: (object: T) => object
  /** Paths of /scale, when the kind has it. `selector` leads to a label selector, a map (ReplicationController) or a string. */
  scale?: { specReplicas: string; statusReplicas: string; selector: string }
  /** Default grace of DELETE in seconds, from the object and the request; absent for kinds that go at once. */
  gracePeriodSeconds?: (object: T, requested: number | undefined) => number
  /** How a DELETE without a propagation policy treats dependents. */
  defaultPropagation?: 'Background' | 'Orphan'
  verbs?: readonly Verb[]
  /** PUT to a name that does not exist creates it. Default false. */
  createOnUpdate?: boolean
  /** A PUT without a resourceVersion is taken as it is. Default true; else `metadata.resourceVersion … must be specified for an update`. */
  unconditionalUpdate?: boolean
  /** Seconds after which the store forgets each version (events). */
  ttlSeconds?: number
  /** Conversions from and to the storage version, by served version. In: a decoded object; out: a new one. */
  conversions?: Record<string, { toStorage: (object: KubeObject) => KubeObject; fromStorage: (object: KubeObject) => KubeObject }>
}

/**
 * A behaviour that `defineResource` has completed: `validate`, `validateUpdate` and `validateStatusUpdate` include the rules of
 * metadata, and with `hasStatus` the three `prepare…` keep spec and status apart. A kind may be called through it as it is:
 * create = setDefaults, mutating admission, prepareForCreate, validate, validating admission, beforeStore; update = the same with
 * prepareForUpdate, validate and validateUpdate; status = with prepareForStatusUpdate and validateStatusUpdate only.
 */
export interface ResourceDefinition<T extends KubeObject = KubeObject> extends ResourceBehaviour<T> {
  names: ResourceNames
  /** The model in api/generated/schemas.json by served version. Custom resources carry their own schema instead. */
  models: Record<string, string>
  /** Those of the served versions that are only for clients of earlier releases: OpenAPI leaves them out. */
  olderVersions?: readonly string[]
  /** Custom resources: the `openAPIV3Schema` of each served version. */
  schemas?: Record<string, JSONSchemaProps>
  /** Objects may be shown otherwise than they are stored, in the storage version too: `conversions` are asked for every one. */
  changesOnRead?: boolean
  /**
   * Custom resources that a webhook converts. `ahead` asks about all of these objects at once; after it `conversions` know the
   * answers for as long as the objects are held. They are admitted and validated in the version of the request, and `toStorage`
   * comes last.
   */
  convert?: { ahead: (objects: readonly KubeObject[]) => Promise<void>; toStorage: (object: KubeObject) => Promise<KubeObject> }
}
