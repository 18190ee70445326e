/** Which placed pods use a claim, by the claim's `namespace/name`. */
import type { PodInfo } from './pod-info.ts'

export interface ClaimUsers {
  add(pod: PodInfo): void
  remove(pod: PodInfo): void
  /** UIDs. */
  of(claim: string): Iterable<string>
}

export function createClaimUsers(): ClaimUsers {
  const users = new Map<string, Set<string>>()
  const claimsOf = ({ namespace, claims }: PodInfo) => claims.map((name) => `${namespace}/${name}`)
  return {
    add(pod) {
      for (const claim of claimsOf(pod)) {
        const known = users.get(claim)
        if (known) known.add(pod.uid)
        else users.set(claim, new Set([pod.uid]))
      }
    },
    remove(pod) {
      for (const claim of claimsOf(pod)) {
        users.get(claim)?.delete(pod.uid)
        if (users.get(claim)?.size === 0) users.delete(claim)
      }
    },
    of: (claim) => users.get(claim) ?? [],
  }
}
