/** Pods that preempted others and wait for the room on a node. */
import type { PodInfo } from './pod-info.ts'

export interface Nominations {
  on(node: string): readonly PodInfo[]
  set(pod: PodInfo, node: string): void
  delete(uid: string): void
}

const none: readonly PodInfo[] = []

export function createNominations(): Nominations {
  const byNode = new Map<string, Map<string, PodInfo>>()
  const nodeOf = new Map<string, string>()
  const remove = (uid: string) => {
    const node = nodeOf.get(uid)
    if (node === undefined) return
    nodeOf.delete(uid)
    const pods = byNode.get(node)
    pods?.delete(uid)
    if (pods?.size === 0) byNode.delete(node)
  }
  return {
    on: (node) => (byNode.size === 0 ? none : [...(byNode.get(node)?.values() ?? none)]),
    set(pod, node) {
      remove(pod.uid)
      nodeOf.set(pod.uid, node)
      const pods = byNode.get(node)
      if (pods) pods.set(pod.uid, pod)
      else byNode.set(node, new Map([[pod.uid, pod]]))
    },
    delete: remove,
  }
}
