/**
 * The cluster as the scheduler decides on it: nodes with their pods and all counts, changed by each event's difference.
 * Deciding is synchronous, so nothing needs to be copied: between two events it is a snapshot.
 */
import type { Namespace, Node, Pod } from '../api/generated/types.ts'
import { deepEqual } from '../api/json.ts'
import type { Cache } from '../client/cache.ts'
import { addPod, createNodeInfo, removePod, updateNode, type NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { NamespaceLabels } from './pod-terms.ts'
import { createTermCounts, type TermCounts } from './term-counts.ts'

export interface Domains {
  values: ReadonlySet<string>
  /** Every node has the label. */
  onAllNodes: boolean
}

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

export const zoneOf = ({ labels }: Pick<NodeInfo, 'labels'>): string =>
  `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`

export function createSnapshot(cache: Cache): Snapshot {
  const nodes = new Map<string, NodeInfo>()
  /** Pods on nodes that we have not heard of yet, or not any more. */
  const strays = new Map<string, NodeInfo>()
  const places = new Map<string, { pod: PodInfo; node: string }>()
  const leaving = new Set<string>()
  const namespaces = new Map<string, Readonly<Record<string, string>>>()
  const nominations = createNominations()
  const images = new Map<string, number>()
  let order: readonly NodeInfo[] | undefined
  const domains = new Map<string, Domains>()
  let softTainted = 0

  const allPods = function* (): Iterable<[PodInfo, string]> {
    for (const { pod, node } of places.values()) yield [pod, node]
  }
  const namespaceLabels: NamespaceLabels = (name) => namespaces.get(name)
  const terms = createTermCounts({ allPods, namespaceLabels, nodeLabels: (name) => nodes.get(name)?.labels })
  const claims = new Map<string, Set<string>>()
  const infoOf = (name: string): NodeInfo => {
    const known = nodes.get(name) ?? strays.get(name)
    if (known) return known
    const stray = createNodeInfo({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: '' } } as Node)
    strays.set(name, stray)
    return stray
  }
  /** Counts what the node offers to all, or takes it out again. */
  const tally = (info: NodeInfo, change: 1 | -1) => {
    for (const image of info.images.keys()) {
      const count = (images.get(image) ?? 0) + change
      if (count === 0) images.delete(image)
      else images.set(image, count)
    }
    if (info.taints.some(({ effect }) => effect === 'PreferNoSchedule')) softTainted += change
  }
  const placesChanged = () => {
    order = undefined
    domains.clear()
    terms.placesChanged()
  }
  const remove = (uid: string) => {
    const place = places.get(uid)
    if (!place) return
    places.delete(uid)
    leaving.delete(uid)
    removePod(infoOf(place.node), place.pod)
    terms.removed(place.pod, place.node)
    for (const name of place.pod.claims) {
      const key = `${place.pod.namespace}/${name}`
      claims.get(key)?.delete(uid)
      if (claims.get(key)?.size === 0) claims.delete(key)
    }
    if (strays.get(place.node)?.pods.size === 0) strays.delete(place.node)
  }

  return {
    cache,
    terms,
    nodes: () => (order ??= interleaveZones([...nodes.values()])),
    node: (name) => nodes.get(name),
    domains(topologyKey) {
      const known = domains.get(topologyKey)
      if (known) return known
      const values = Array.from(nodes.values(), ({ labels }) => labels[topologyKey])
      const found: Domains = {
        values: new Set(values.filter((value) => value !== undefined)),
        onAllNodes: !values.includes(undefined),
      }
      domains.set(topologyKey, found)
      return found
    },
    setNode(node) {
      const { name } = node.metadata
      const known = nodes.get(name)
      if (known) {
        tally(known, -1)
        const { labels } = known
        updateNode(known, node)
        if (!deepEqual(labels, known.labels)) placesChanged()
        tally(known, 1)
        return
      }
      const info = strays.get(name) ?? createNodeInfo(node)
      strays.delete(name)
      updateNode(info, node)
      nodes.set(name, info)
      placesChanged()
      tally(info, 1)
    },
    deleteNode(name) {
      const info = nodes.get(name)
      if (!info) return
      tally(info, -1)
      nodes.delete(name)
      placesChanged()
      // Its pods are still there until they are deleted; the node may come back.
      if (info.pods.size > 0) strays.set(name, info)
    },
    place(pod, node) {
      remove(pod.uid)
      places.set(pod.uid, { pod, node })
      addPod(infoOf(node), pod)
      terms.added(pod, node)
      for (const name of pod.claims) {
        const key = `${pod.namespace}/${name}`
        const users = claims.get(key)
        if (users) users.add(pod.uid)
        else claims.set(key, new Set([pod.uid]))
      }
    },
    refresh(pod) {
      const place = places.get(pod.metadata.uid)
      if (!place || place.node !== pod.spec.nodeName || !countsTheSame(place.pod.pod, pod)) return false
      place.pod = { ...place.pod, pod }
      infoOf(place.node).pods.set(pod.metadata.uid, place.pod)
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
      Array.from(claims.get(claim) ?? [], (uid) => places.get(uid)!)
        // In a what-if question some are not where they are.
        .filter(({ pod, node }) => infoOf(node).pods.has(pod.uid))
        .map(({ pod }) => pod),
    nodesWithImage: (image) => images.get(image) ?? 0,
    softTaintedNodes: () => softTainted,
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

function createNominations() {
  const byNode = new Map<string, Map<string, PodInfo>>()
  const nodeOf = new Map<string, string>()
  const none: readonly PodInfo[] = []
  const remove = (uid: string) => {
    const node = nodeOf.get(uid)
    if (node === undefined) return
    nodeOf.delete(uid)
    const pods = byNode.get(node)
    pods?.delete(uid)
    if (pods?.size === 0) byNode.delete(node)
  }
  return {
    on: (node: string): readonly PodInfo[] => (byNode.size === 0 ? none : [...(byNode.get(node)?.values() ?? none)]),
    set(pod: PodInfo, node: string) {
      remove(pod.uid)
      nodeOf.set(pod.uid, node)
      const pods = byNode.get(node)
      if (pods) pods.set(pod.uid, pod)
      else byNode.set(node, new Map([[pod.uid, pod]]))
    },
    delete: remove,
  }
}

/** A node of each zone in turn, so that looking at the first few hundred still sees all zones. */
function interleaveZones(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = [...Map.groupBy(nodes, zoneOf).values()]
  const order: NodeInfo[] = []
  for (let index = 0; order.length < nodes.length; index++) {
    for (const zone of zones) {
      const info = zone[index]
      if (info) order.push(info)
    }
  }
  return order
}
