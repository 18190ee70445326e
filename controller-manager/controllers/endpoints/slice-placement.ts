/** Spreads endpoints over slices so that few slices change: what has a place keeps it, the rest fills gaps, then new slices. */

export interface Placement<S, E> {
  /** Slices whose endpoints change, with all they hold now. */
  updated: Map<S, E[]>
  emptied: S[]
  /** Contents of slices to create. */
  created: E[][]
}

export function placeEndpoints<S, E>(
  slices: readonly S[],
  endpointsOf: (slice: S) => readonly E[],
  desired: ReadonlyMap<string, E>,
  { keyOf, equal, capacity }: { keyOf: (endpoint: E) => string; equal: (a: E, b: E) => boolean; capacity: number },
): Placement<S, E> {
  const left = new Map(desired)
  const kept = new Map<S, E[]>()
  const changed = new Set<S>()
  for (const slice of slices) {
    const endpoints: E[] = []
    for (const endpoint of endpointsOf(slice)) {
      const key = keyOf(endpoint)
      const wanted = left.get(key)
      // Gone, or a duplicate of one that has its place already.
      if (wanted === undefined || endpoints.length === capacity) changed.add(slice)
      else {
        if (!equal(endpoint, wanted)) changed.add(slice)
        endpoints.push(wanted)
        left.delete(key)
      }
    }
    kept.set(slice, endpoints)
  }
  const created = fill(left, kept, changed, capacity)
  const emptied = [...changed].filter((slice) => kept.get(slice)?.length === 0)
  const updated = new Map([...changed].filter((slice) => !emptied.includes(slice)).map((slice) => [slice, kept.get(slice) ?? []]))
  return { updated, emptied, created }
}

/** First into slices that are written anyway, fullest first; then into the one other slice they fit best; then into new ones. */
function fill<S, E>(left: Map<string, E>, kept: Map<S, E[]>, changed: Set<S>, capacity: number): E[][] {
  const take = (count: number): E[] => {
    const taken = [...left.entries()].slice(0, count)
    for (const [key] of taken) left.delete(key)
    return taken.map(([, endpoint]) => endpoint)
  }
  const written = [...changed].map((slice) => kept.get(slice) ?? []).toSorted((a, b) => b.length - a.length)
  for (const endpoints of written.filter(({ length }) => length > 0)) endpoints.push(...take(capacity - endpoints.length))
  const created: E[][] = []
  while (left.size > 0) {
    const [best] =
      left.size >= capacity
        ? []
        : [...kept]
            .filter(([slice, { length }]) => !changed.has(slice) && length + left.size <= capacity)
            .toSorted(([, a], [, b]) => b.length - a.length)
    if (best) {
      best[1].push(...take(left.size))
      changed.add(best[0])
    } else created.push(take(capacity))
  }
  return created
}
