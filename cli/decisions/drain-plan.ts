/** Which pods of a node a drain evicts, which it leaves, and which stand in its way. Pure. */
import type { Pod } from '../../api/generated/types.ts'

export interface DrainOptions {
  ignoreDaemonsets?: boolean
  deleteEmptydirData?: boolean
  force?: boolean
}

export interface DrainPlan {
  evict: Pod[]
  /** Each kind of obstacle, in words. */
  errors: string[]
  warning: string
}

const nameOf = ({ metadata: { namespace, name } }: Pod) => `${namespace}/${name}`

/** Mirrors of static pods cannot be evicted: they are left without a word. */
export const MIRROR = 'kubernetes.io/config.mirror'

/** `daemonSetExists` says whether the set that owns a pod is still there. */
export function planDrain(pods: readonly Pod[], options: DrainOptions, daemonSetExists: (pod: Pod) => boolean): DrainPlan {
  const found = pods.map((pod) => ({ pod, ...verdictOf(pod, options, daemonSetExists) }))
  const listed = (text: (verdict: Verdict) => string | undefined) => {
    const byText = new Map<string, string[]>()
    for (const { pod, ...verdict } of found) {
      const key = text(verdict)
      if (key) byText.set(key, [...(byText.get(key) ?? []), nameOf(pod)])
    }
    return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, names]) => `${key}: ${names.join(', ')}`)
  }
  return {
    evict: found.filter(({ evict }) => evict).map(({ pod }) => pod),
    errors: listed(({ error }) => error),
    warning: listed(({ warning }) => warning).join('; '),
  }
}

interface Verdict {
  evict: boolean
  error?: string
  warning?: string
}

/** The rules one after the other; the last warning is the one that is told. */
function verdictOf(pod: Pod, options: DrainOptions, daemonSetExists: (pod: Pod) => boolean): Verdict {
  const { phase } = pod.status ?? {}
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller)
  if (controller?.kind === 'DaemonSet' && !isOver) {
    if (!daemonSetExists(pod)) {
      return options.force
        ? { evict: true, warning: 'deleting Pods that reference missing DaemonSets' }
        : { evict: false, error: 'cannot delete Pods that reference missing DaemonSets (use --force to override)' }
    }
    return options.ignoreDaemonsets
      ? { evict: false, warning: 'ignoring DaemonSet-managed Pods' }
      : { evict: false, error: 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' }
  }
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return { evict: false }
  if (isOver) return { evict: true }
  const hasLocalData = pod.spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false
  if (hasLocalData && !options.deleteEmptydirData)
    return { evict: false, error: 'cannot delete Pods with local storage (use --delete-emptydir-data to override)' }
  if (controller) return { evict: true, ...(hasLocalData && { warning: 'deleting Pods with local storage' }) }
  return options.force
    ? { evict: true, warning: 'deleting Pods that declare no controller' }
    : { evict: false, error: 'cannot delete Pods that declare no controller (use --force to override)' }
}
