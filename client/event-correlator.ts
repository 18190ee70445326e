/** Decides for each occurrence whether it is told, and as a repeat of which event: counted, aggregated, held back, as upstream. */

/** An object that is not at hand, or a part of one (`spec.containers{web}`). */
export interface EventTarget {
  apiVersion: string
  kind: string
  name: string
  namespace?: string | undefined
  uid?: string | undefined
  resourceVersion?: string | undefined
  fieldPath?: string | undefined
}

export interface Occurrence {
  target: EventTarget
  type: string
  reason: string
  message: string
  cause: string | undefined
  at: Date
}

/** An event that was told, and may be told again. */
export interface Seen {
  count: number
  first: Date
  /** The Event object that counts the repeats. */
  name: string
}

/** Upstream's numbers: 25 events at once for one object and source, then one in five minutes. */
const burst = 25
const refillMs = 300_000
/** From the tenth different message for one reason within ten minutes on, they become one event. */
const maxSimilar = 10
const similarWindowMs = 600_000
const remembered = 4096

export type Correlator = (occurrence: Occurrence) => { message: string; seen: Seen } | undefined

/** Answers undefined for what is held back. */
export function createCorrelator(component: string): Correlator {
  const buckets = createRecent<{ tokens: number; at: number }>()
  const groups = createRecent<{ messages: Set<string>; at: number }>()
  const events = createRecent<Seen>()

  return ({ target, type, reason, message, at }) => {
    const time = at.getTime()
    const bucket = buckets(`${component}/${targetKey(target)}`, () => ({ tokens: burst, at: time }))
    const group = groups(`${targetKey(target)}/${type}/${reason}`, () => ({ messages: new Set(), at: time }))
    if (time - group.at > similarWindowMs) group.messages.clear()
    group.at = time
    group.messages.add(message)
    const aggregated = group.messages.size >= maxSimilar
    // The set stays bounded: from here on every message is aggregated until the window has passed.
    if (aggregated) group.messages.delete(message)

    bucket.tokens = Math.min(burst, bucket.tokens + (time - bucket.at) / refillMs)
    bucket.at = time
    if (bucket.tokens < 1) return undefined
    bucket.tokens--

    const seen = events(`${targetKey(target)}/${type}/${reason}/${aggregated ? '' : message}`, () => ({
      count: 0,
      first: at,
      name: '',
    }))
    seen.count++
    return { message: aggregated ? `(combined from similar events): ${message}` : message, seen }
  }
}

/** A map of the entries used last. */
function createRecent<T>(): (key: string, make: () => T) => T {
  const entries = new Map<string, T>()
  return (key, make) => {
    const entry = entries.get(key) ?? make()
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > remembered) entries.delete(entries.keys().next().value!)
    return entry
  }
}

/** One object, or one part of it. */
export const targetKey = ({ kind, namespace = '', name, uid = '', fieldPath = '' }: EventTarget): string =>
  `${kind}/${namespace}/${name}/${uid}/${fieldPath}`
