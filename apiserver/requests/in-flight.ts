/** How many requests may run at once: beyond that, 429 with Retry-After, so that a burst ends in waiting and not in memory. */
import { tooManyRequests } from '../../api/status.ts'
import type { RequestInfo } from './request-info.ts'

export interface InFlightLimit {
  /** Takes a place or throws 429; the answer gives it back. Long-running requests take none. */
  enter(mutating: boolean): () => void
  running(): { mutating: number; readOnly: number }
}

/** 0 means no limit, as upstream's flags have it. */
export function createInFlightLimit(maxReadOnly: number, maxMutating: number): InFlightLimit {
  const running = { mutating: 0, readOnly: 0 }
  const leaveMutating = () => void running.mutating--
  const leaveReadOnly = () => void running.readOnly--
  return {
    running: () => ({ ...running }),
    enter(mutating) {
      const [used, limit] = mutating ? [running.mutating, maxMutating] : [running.readOnly, maxReadOnly]
      if (limit > 0 && used >= limit) throw tooManyRequests('Too many requests, please try again later.', 1)
      if (mutating) running.mutating++
      else running.readOnly++
      return mutating ? leaveMutating : leaveReadOnly
    },
  }
}

const longSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

/** Upstream's rule for requests that have no end in sight and so neither a place nor a time limit. */
export const isLongRunning = ({ verb, subresource, isResource, path }: RequestInfo): boolean =>
  isResource ? verb === 'watch' || longSubresources.has(subresource) : path.startsWith('/debug/pprof/')
