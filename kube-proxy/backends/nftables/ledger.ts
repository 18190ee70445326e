/**
 * Named things that owners want in the kernel, and what was written of them: a change costs what it touches. Two owners may want
 * the same thing; it goes with the last of them, and is as the first one wants it. Pure but for what it remembers.
 */

export interface Differences {
  /** New or different: what they should be. */
  written: ReadonlyMap<string, string>
  /** Of those written and removed, what the kernel has now. */
  before: ReadonlyMap<string, string>
  removed: readonly string[]
}

export interface Ledger {
  /** All that this owner wants from now on, by name. */
  set(owner: string, things: ReadonlyMap<string, string>): void
  /** From what was written to what is wanted; empty when nothing differs. */
  differences(): Differences
  /** These differences are in the kernel now. */
  settle(differences: Differences): void
  /** Nothing is known of the kernel any more: the next differences hold everything. */
  forget(): void
  /** Everything that is wanted. */
  names(): Iterable<string>
}

export function createLedger(): Ledger {
  const owned = new Map<string, ReadonlyMap<string, string>>()
  const claims = new Map<string, Map<string, string>>()
  const inKernel = new Map<string, string>()
  const dirty = new Set<string>()

  const wanted = (name: string): string | undefined => claims.get(name)?.values().next().value
  const claim = (name: string, owner: string, value: string) => {
    const all = claims.get(name)
    if (all?.get(owner) === value) return
    if (all) all.set(owner, value)
    else claims.set(name, new Map([[owner, value]]))
    dirty.add(name)
  }
  const release = (name: string, owner: string) => {
    const all = claims.get(name)
    all?.delete(owner)
    if (all?.size === 0) claims.delete(name)
    dirty.add(name)
  }

  return {
    set(owner, things) {
      for (const name of owned.get(owner)?.keys() ?? []) if (!things.has(name)) release(name, owner)
      for (const [name, value] of things) claim(name, owner, value)
      if (things.size > 0) owned.set(owner, things)
      else owned.delete(owner)
    },
    differences() {
      const written = new Map<string, string>()
      const before = new Map<string, string>()
      const removed: string[] = []
      for (const name of dirty) {
        const value = wanted(name)
        const known = inKernel.get(name)
        if (value === known) continue
        if (value === undefined) removed.push(name)
        else written.set(name, value)
        if (known !== undefined) before.set(name, known)
      }
      return { written, before, removed }
    },
    settle({ written, removed }) {
      for (const [name, value] of written) inKernel.set(name, value)
      for (const name of removed) inKernel.delete(name)
      for (const name of dirty) if (wanted(name) === inKernel.get(name)) dirty.delete(name)
    },
    forget() {
      inKernel.clear()
      for (const name of claims.keys()) dirty.add(name)
    },
    names: () => claims.keys(),
  }
}
