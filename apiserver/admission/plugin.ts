/** The contract of an admission plugin: first all `admit`s in order may change the object, then all `validate`s may refuse it. */
import type { ResourceQuota } from '../../api/generated/types.ts'
import type { KindName, Kinds } from '../../api/kinds.ts'
import type { KubeObject, ObjectKey } from '../../api/object.ts'
import type { ClusterAuthorizer } from '../auth/authorization/authorizer.ts'
import type { UserInfo } from '../auth/user.ts'
import type { DeleteOptions } from '../writes/delete-options.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import type { ServedResource } from '../served-resources.ts'
import type { Policies } from '../policies/create-policies.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'

export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  group: string
  version: string
  /** Plural name. */
  resource: string
  subresource: string
  kind: string
  namespace: string
  name: string
  /** The incoming object in its storage version; plugins change it in place. Absent on DELETE and CONNECT. */
  object?: KubeObject
  oldObject?: KubeObject
  user: UserInfo
  dryRun: boolean
  /** Added to the answer as `Warning` headers. */
  warnings: string[]
  /** Added to the audit event of the request; absent when none is recorded. */
  auditAnnotations?: Record<string, string>
  /** What the client asked for, for webhooks, which are told of it: the resource in the version of the request, and its options. */
  asked?: { resource: ServedResource; info: RequestInfo; deleteOptions?: DeleteOptions | undefined }
  /** Kept by webhooks and policies between the two rounds of `admit`. Setting `wanted` asks for the second. */
  reinvocation?: { wanted: boolean; round: 0 | 1; called: Set<string>; again: Set<string>; output: string }
}

/** What plugins may read: the API server's own cache, already parsed. Never a network call. */
export interface ClusterReader {
  get<K extends KindName>(kind: K, key: ObjectKey): Kinds[K] | undefined
  list<K extends KindName>(kind: K, namespace?: string): Kinds[K][]
}

export interface AdmissionContext {
  reader: ClusterReader
  /** Absent where nobody can be called: unit tests. */
  webhooks?: Webhooks
  /** Absent where there is no store that could have any: unit tests. */
  policies?: Policies
  /** Exact reads, for rules that must never pass a limit (quota): answers after the cache has reached etcd's revision. */
  consistent: () => Promise<ClusterReader>
  now: () => Date
  /** For plugins that ask whether the user might do something else as well: RBAC escalation, certificate approval. */
  authorizer: ClusterAuthorizer
  /**
   * Stores the status of this quota if nobody has changed the object since (its resourceVersion), and answers the stored
   * version; undefined when somebody has. The one write that an admission plugin makes.
   */
  updateQuotaStatus: (quota: ResourceQuota) => Promise<ResourceQuota | undefined>
}

/** Refuse by throwing an `ApiError`: usually `forbidden(resource, name, message)`. */
export interface AdmissionPlugin {
  name: string
  /** Cheap test before anything else: most plugins care for one resource. */
  handles: (attributes: AdmissionAttributes) => boolean
  admit?: (attributes: AdmissionAttributes, context: AdmissionContext) => void | Promise<void>
  validate?: (attributes: AdmissionAttributes, context: AdmissionContext) => void | Promise<void>
}
