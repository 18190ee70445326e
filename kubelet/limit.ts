/** Lets so many run at once; the others wait in order. */
export type Limit = <T>(run: () => Promise<T>) => Promise<T>

export function createLimit(count: number): Limit {
  const waiting: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await run()
    } finally {
      // The place passes to the next in line without being given back in between.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
