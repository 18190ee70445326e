/** Marks the secrets whose tokens are still used, once a day each, so that the cleaner takes away only those that nobody misses. */
import type { KubeObject, ObjectKey } from '../../../api/object.ts'

export const LAST_USED = 'kubernetes.io/legacy-token-last-used'
/** Set by the cleaner; taking it off makes the token good again. */
export const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'

export interface TokenTracking {
  /** Never waits, never throws: what could not be marked is marked at the next use. */
  note(secret: ObjectKey): void
}

export interface TokenTrackingOptions {
  find: (secret: ObjectKey) => KubeObject | undefined
  /** Stores it if nobody has changed it since. */
  store: (secret: KubeObject) => Promise<unknown>
  now: () => Date
  onProblem: (problem: string, details: Record<string, unknown>) => void
}

export function trackLegacyTokens({ find, store, now, onProblem }: TokenTrackingOptions): TokenTracking {
  const writing = new Set<string>()
  return {
    note({ namespace = '', name }) {
      const secret = find({ namespace, name })
      const today = toDate(now())
      const key = `${namespace}/${name}`
      if (!secret || secret.metadata.labels?.[LAST_USED] === today || writing.has(key)) return
      writing.add(key)
      const { metadata } = secret
      store({ ...secret, metadata: { ...metadata, labels: { ...metadata.labels, [LAST_USED]: today } } })
        .catch((error: unknown) => onProblem('cannot mark a token secret as used', { secret: key, error }))
        .finally(() => writing.delete(key))
    },
  }
}

/** `2026-05-01` */
export const toDate = (time: Date): string => time.toISOString().slice(0, 10)
