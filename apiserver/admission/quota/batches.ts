/** Work in batches: of each key one batch at a time; what comes while one is at work is the next. */

export interface Batches<T> {
  /** Answers at once; the batch that has it may begin only later. */
  add(key: string, item: T): void
}

/** `settle` must not reject: whoever waits for an item hears of it from there. */
export function createBatches<T>(settle: (key: string, batch: readonly T[]) => Promise<void>): Batches<T> {
  /** A key that is worked on is in it, if only with an empty list: that tells newcomers that somebody is at it. */
  const waiting = new Map<string, T[]>()

  function take(key: string): T[] {
    const batch = waiting.get(key) ?? []
    if (batch.length > 0) waiting.set(key, [])
    else waiting.delete(key)
    return batch
  }

  async function work(key: string): Promise<void> {
    for (let batch = take(key); batch.length > 0; batch = take(key)) await settle(key, batch)
  }

  return {
    add(key, item) {
      const others = waiting.get(key)
      if (others) others.push(item)
      else {
        waiting.set(key, [item])
        void work(key)
      }
    },
  }
}
