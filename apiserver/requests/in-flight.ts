/**
 * How many requests may run at once: beyond that, 429 with Retry-After, so that a burst ends in waiting and not in memory.
 * In place of `flow-control/`, where `--enable-priority-and-fairness` is off.
 *
 * A place is held while a body comes in, however slowly. So that no tenant can hold them all, one alone gets half of them, and all of
 * them together leave a quarter to the cluster itself and its administrators.
 */
import { tooManyRequests } from '../../api/status.ts'
import type { UserInfo } from '../auth/user.ts'
import type { RequestInfo } from './request-info.ts'

export interface InFlightLimit {
  /** Takes a place or throws 429; the answer gives it back. Long-running requests take none. */
  enter(mutating: boolean, user: UserInfo): () => void
  running(): { mutating: number; readOnly: number }
}

/** 0 means no limit, as upstream's flags have it. */
export function createInFlightLimit(maxReadOnly: number, maxMutating: number): InFlightLimit {
  const [readOnly, mutating] = [createPlaces(maxReadOnly), createPlaces(maxMutating)]
  return {
    running: () => ({ mutating: mutating.taken(), readOnly: readOnly.taken() }),
    enter: (isMutating, user) => (isMutating ? mutating : readOnly).enter(user),
  }
}

function createPlaces(limit: number) {
  let taken = 0
  let byTenants = 0
  const byTenant = new Map<string, number>()
  const [mostOfTenants, mostOfOne] = [Math.ceil((limit * 3) / 4), Math.ceil(limit / 2)]
  const refuseFrom = (used: number, most: number) => {
    if (limit > 0 && used >= most) throw tooManyRequests('Too many requests, please try again later.', 1)
  }
  const leave = () => void taken--
  return {
    taken: () => taken,
    enter(user: UserInfo): () => void {
      refuseFrom(taken, limit)
      if (isOfTheCluster(user)) {
        taken++
        return leave
      }
      const { username } = user
      const own = byTenant.get(username) ?? 0
      refuseFrom(byTenants, mostOfTenants)
      refuseFrom(own, mostOfOne)
      taken++
      byTenants++
      byTenant.set(username, own + 1)
      return () => {
        taken--
        byTenants--
        const left = byTenant.get(username)! - 1
        if (left > 0) byTenant.set(username, left)
        else byTenant.delete(username)
      }
    },
  }
}

const CLUSTER_GROUPS = new Set(['system:masters', 'kubeadm:cluster-admins', 'system:nodes', 'system:serviceaccounts:kube-system'])

/** Components, nodes, controllers and administrators. */
const isOfTheCluster = ({ username, groups }: UserInfo): boolean =>
  username.startsWith('system:kube-') || groups.some((group) => CLUSTER_GROUPS.has(group))

const longSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

/** Upstream's rule for requests that have no end in sight and so neither a place nor a time limit. */
export const isLongRunning = ({ verb, subresource, isResource, path }: RequestInfo): boolean =>
  isResource ? verb === 'watch' || longSubresources.has(subresource) : path.startsWith('/debug/pprof/')
