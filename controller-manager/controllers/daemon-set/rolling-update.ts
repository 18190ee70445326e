/** One step of a daemon set's rolling update: which old pods go, and which nodes get a new one beside the old. Pure. */
import type { DaemonSet, Pod } from '../../../api/generated/types.ts'
import { scaledValue } from '../../../api/int-or-string.ts'
import { isAvailable } from '../../pods.ts'

export interface Step {
  toDelete: Pod[]
  nodesToSurge: string[]
}

export interface NodePods {
  node: string
  pods: readonly Pod[]
}

function rollingLimits({ spec }: DaemonSet, desired: number): { surge: number; unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, desired, 'up')
  const unavailable = scaledValue(maxUnavailable, desired, 'up')
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

export const maySurge = ({ spec }: DaemonSet): boolean => {
  const { maxSurge = 0 } = spec.updateStrategy?.rollingUpdate ?? {}
  return spec.updateStrategy?.type === 'RollingUpdate' && scaledValue(maxSurge, 100, 'up') > 0
}

export function planRollingUpdate(ds: DaemonSet, nodes: readonly NodePods[], isNew: (pod: Pod) => boolean, now: Date): Step {
  const { surge, unavailable } = rollingLimits(ds, nodes.length)
  const available = (pod: Pod) => isAvailable(pod, ds.spec.minReadySeconds ?? 0, now)
  const split = nodes.map(({ node, pods }) => ({ node, fresh: pods.find(isNew), old: pods.find((pod) => !isNew(pod)) }))
  return surge > 0 ? surgeStep(split, surge, available) : replaceStep(split, unavailable, available)
}

interface Split {
  node: string
  fresh: Pod | undefined
  old: Pod | undefined
}

/** Old pods that are not available go at once: it costs nothing. Others as far as the limit leaves room. */
function replaceStep(nodes: readonly Split[], limit: number, available: (pod: Pod) => boolean): Step {
  const broken: Pod[] = []
  const candidates: Pod[] = []
  let missing = 0
  for (const { fresh, old } of nodes) {
    if (fresh && !old) missing += available(fresh) ? 0 : 1
    else if (!fresh && old && available(old)) candidates.push(old)
    else {
      missing++
      if (!fresh && old) broken.push(old)
    }
  }
  return { toDelete: [...broken, ...candidates.slice(0, Math.max(0, limit - missing))], nodesToSurge: [] }
}

/** The new pod first; the old one goes when it is available, or never was of use itself. */
function surgeStep(nodes: readonly Split[], limit: number, available: (pod: Pod) => boolean): Step {
  const toDelete: Pod[] = []
  const candidates: string[] = []
  const allowed: string[] = []
  let surging = 0
  for (const { node, fresh, old } of nodes) {
    if (!old) continue
    if (!fresh) (available(old) ? candidates : allowed).push(node)
    else if (available(fresh)) toDelete.push(old)
    else surging++
  }
  return { toDelete, nodesToSurge: [...allowed, ...candidates.slice(0, Math.max(0, limit - surging))] }
}
