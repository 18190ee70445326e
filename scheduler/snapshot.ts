/**
 * The cluster as the scheduler decides on it: nodes with their pods and all counts, changed by each event's difference.
 * Deciding is synchronous, so nothing needs to be copied: between two events it is a snapshot.
 */
import type { Namespace, Node, Pod } from '../api/generated/types.ts'
import { deepEqual } from '../api/json.ts'
import type { Cache } from '../client/cache.ts'
import { createClaimUsers } from './claim-users.ts'
import { createKnownNodes, type Domains } from './known-nodes.ts'
import { addPod, removePod, type NodeInfo } from './node-info.ts'
import { createNominations } from './nominations.ts'
import type { PodInfo } from './pod-info.ts'
import type { NamespaceLabels } from './pod-terms.ts'
import { createTermCounts, type TermCounts } from './term-counts.ts'

export interface Snapshot {
  /** In the order they are tried: one zone after the other in turn. */
  nodes(): readonly NodeInfo[]
  node(name: string): NodeInfo | undefined
  /** The places that a label tells apart. */
  domains(topologyKey: string): Domains
  setNode(node: Node): void
  deleteNode(name: string): void

  /** The pod runs on this node as far as the API server or, for an assumed one, our own decision says. */
  place(pod: PodInfo, node: string): void
  /** A new version of a placed pod. False when it changed in a way that matters here, and must be placed anew. */
  refresh(pod: Pod): boolean
  remove(uid: string): void
  /** The pod has been told to leave, or has not after all: the API server's word on it is still to come. */
  expectToLeave(uid: string, leaves: boolean): void
  isLeaving(pod: PodInfo): boolean
  /** Where a pod is placed. */
  placeOf(uid: string): { pod: PodInfo; node: string } | undefined

  /** Pods that preempted others and wait for the room on this node. */
  nominatedOn(node: string): readonly PodInfo[]
  nominate(pod: PodInfo, node: string): void
  clearNomination(uid: string): void

  terms: TermCounts
  namespaceLabels: NamespaceLabels
  /** Pods that use this claim (`namespace/name`), wherever they are placed. */
  usersOfClaim(claim: string): readonly PodInfo[]
  /** How many nodes have the image. */
  nodesWithImage(image: string): number
  /** Nodes with a taint that pods would rather avoid. */
  softTaintedNodes(): number
  /** Volumes, services and whatever else plugins read. */
  cache: Cache
  setNamespace(namespace: Namespace): void
  deleteNamespace(name: string): void
}

export function createSnapshot(cache: Cache): Snapshot {
  const nodes = createKnownNodes(() => terms.placesChanged())
  const places = new Map<string, { pod: PodInfo; node: string }>()
  const leaving = new Set<string>()
  const namespaces = new Map<string, Readonly<Record<string, string>>>()
  const nominations = createNominations()
  const claims = createClaimUsers()
  const namespaceLabels: NamespaceLabels = (name) => namespaces.get(name)
  const allPods = function* (): Iterable<[PodInfo, string]> {
    for (const { pod, node } of places.values()) yield [pod, node]
  }
  const terms = createTermCounts({ allPods, namespaceLabels, nodeLabels: (name) => nodes.get(name)?.labels })

  const remove = (uid: string) => {
    const place = places.get(uid)
    if (!place) return
    places.delete(uid)
    leaving.delete(uid)
    removePod(nodes.place(place.node), place.pod)
    terms.removed(place.pod, place.node)
    claims.remove(place.pod)
    nodes.left(place.node)
  }

  return {
    cache,
    terms,
    nodes: nodes.all,
    node: nodes.get,
    domains: nodes.domains,
    setNode: nodes.set,
    deleteNode: nodes.delete,
    nodesWithImage: nodes.withImage,
    softTaintedNodes: nodes.softTainted,
    place(pod, node) {
      remove(pod.uid)
      places.set(pod.uid, { pod, node })
      addPod(nodes.place(node), pod)
      terms.added(pod, node)
      claims.add(pod)
    },
    refresh(pod) {
      const place = places.get(pod.metadata.uid)
      if (!place || place.node !== pod.spec.nodeName || !countsTheSame(place.pod.pod, pod)) return false
      place.pod = { ...place.pod, pod }
      nodes.place(place.node).pods.set(pod.metadata.uid, place.pod)
      return true
    },
    remove,
    expectToLeave: (uid, leaves) => void (leaves ? leaving.add(uid) : leaving.delete(uid)),
    isLeaving: ({ pod, uid }) => pod.metadata.deletionTimestamp !== undefined || leaving.has(uid),
    placeOf: (uid) => places.get(uid),
    nominatedOn: nominations.on,
    nominate: nominations.set,
    clearNomination: nominations.delete,
    namespaceLabels,
    usersOfClaim: (claim) =>
      Array.from(claims.of(claim), (uid) => places.get(uid)!)
        // In a what-if question some are not where they are.
        .filter(({ pod, node }) => nodes.place(node).pods.has(pod.uid))
        .map(({ pod }) => pod),
    setNamespace({ metadata: { name, labels = {} } }) {
      const before = namespaces.get(name)
      namespaces.set(name, labels)
      if (JSON.stringify(before) !== JSON.stringify(labels)) terms.namespaceChanged()
    },
    deleteNamespace(name) {
      if (namespaces.delete(name)) terms.namespaceChanged()
    },
  }
}

/** Most updates of a running pod are of its status, which nothing is counted by. */
function countsTheSame(old: Pod, pod: Pod): boolean {
  if ((old.metadata.deletionTimestamp === undefined) !== (pod.metadata.deletionTimestamp === undefined)) return false
  if (!deepEqual(old.metadata.labels, pod.metadata.labels)) return false
  const held = ({ status }: Pod) => status?.containerStatuses?.map(({ allocatedResources }) => allocatedResources)
  if (!deepEqual(held(old), held(pod))) return false
  // An assumed pod is the version before it was bound.
  return deepEqual({ ...old.spec, nodeName: '' }, { ...pod.spec, nodeName: '' })
}
