/** How far a rollout may stray from the wanted size: maxSurge above it, maxUnavailable below it. */
import type { Deployment } from '../../../api/generated/types.ts'
import { scaledValue } from '../../../api/int-or-string.ts'

export const isRollingUpdate = ({ spec }: Deployment): boolean => (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate'

/** Both at once: when rounding leaves neither, one pod may be missing, or the rollout could never move. */
export function computeRollingLimits(d: Deployment): { surge: number; unavailable: number } {
  const desired = d.spec.replicas ?? 1
  const { maxSurge = 0, maxUnavailable = 0 } = d.spec.strategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, desired, 'up')
  const unavailable = scaledValue(maxUnavailable, desired, 'down')
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable }
}

export const maxSurge = (d: Deployment): number => (isRollingUpdate(d) ? computeRollingLimits(d).surge : 0)

export function maxUnavailable(d: Deployment): number {
  const desired = d.spec.replicas ?? 1
  return isRollingUpdate(d) && desired > 0 ? Math.min(computeRollingLimits(d).unavailable, desired) : 0
}
