/** What every component asks of the API server. `createApiClient` in rest-client.ts is the one that speaks HTTPS. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { New, ObjectKey } from '../api/object.ts'

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml'

/** Sent with a write as `Kubelab-Cause`: the object version that woke the writer. */
export interface Cause {
  /** `<resource>/<namespace>/<name>@<revision>` */
  cause?: string | undefined
  signal?: AbortSignal | undefined
}

export interface ListOptions {
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  /** Unset: the newest committed state. `0`: whatever the server's cache holds. */
  resourceVersion?: string | undefined
  limit?: number | undefined
  continue?: string | undefined
  signal?: AbortSignal | undefined
}

export interface WatchOptions extends ListOptions {
  allowWatchBookmarks?: boolean | undefined
  timeoutSeconds?: number | undefined
}

export interface List<T> {
  metadata: { resourceVersion: string; continue?: string }
  items: T[]
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

export interface DeleteOptions extends Cause {
  gracePeriodSeconds?: number | undefined
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
}

export interface PatchOptions extends Cause {
  type: PatchType
  subresource?: string | undefined
  fieldManager?: string | undefined
  force?: boolean | undefined
}

/** Every method rejects with an `ApiError` (api/status.ts) that carries the server's Status. */
export interface ApiClient {
  get<K extends KindName>(kind: K, key: ObjectKey): Promise<Kinds[K]>
  list<K extends KindName>(kind: K, options?: ListOptions): Promise<List<Kinds[K]>>
  watch<K extends KindName>(kind: K, options: WatchOptions): AsyncIterable<WatchEvent<Kinds[K]>>
  create<K extends KindName>(kind: K, object: New<Kinds[K]>, options?: Cause): Promise<Kinds[K]>
  update<K extends KindName>(kind: K, object: Kinds[K], options?: Cause & { subresource?: string }): Promise<Kinds[K]>
  patch<K extends KindName>(kind: K, key: ObjectKey, patch: unknown, options: PatchOptions): Promise<Kinds[K]>
  delete(kind: KindName, key: ObjectKey, options?: DeleteOptions): Promise<void>
  /** POST to a subresource that is not an object update: `binding`, `eviction`, `token`. */
  createSubresource<T>(kind: KindName, key: ObjectKey, subresource: string, body: object, options?: Cause): Promise<T>
  /** A watch on any path: kinds that the table does not know, metadata alone (`accept`). */
  watchPath<T>(
    path: string,
    options: { query?: Record<string, string>; accept?: string; signal?: AbortSignal },
  ): AsyncIterable<WatchEvent<T>>
  /** Anything else: discovery, kinds that the table does not know, plain text. Answers the decoded body. */
  raw<T>(
    method: string,
    path: string,
    options?: {
      body?: unknown
      contentType?: string
      query?: Record<string, string>
      accept?: string
      signal?: AbortSignal
      cause?: string
    },
  ): Promise<T>
  /** Requests under way, watches aside, for those whose own can wait. */
  inFlight?(): number
}
