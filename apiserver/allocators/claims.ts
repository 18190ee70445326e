/** What one write has claimed so far: given back together when it comes to nothing. A dry run claims nothing and only looks. */
import type { Owner, Reservations } from './reservations.ts'

export interface Claims {
  /** False when another has the value. */
  claim(value: string): Promise<boolean>
  isTaken(value: string): boolean
  random: () => number
  claimed(): readonly string[]
}

export function createClaims(reservations: Reservations, owner: Owner, dryRun: boolean, random: () => number): Claims {
  const claimed = new Set<string>()
  return {
    random,
    claimed: () => [...claimed],
    isTaken: (value) => claimed.has(value) || reservations.isHeld(value),
    claim: async (value) => {
      if (claimed.has(value)) return true
      const free = dryRun ? !reservations.isHeld(value) : await reservations.reserve(value, owner)
      if (free) claimed.add(value)
      return free
    },
  }
}
