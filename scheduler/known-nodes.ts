/** The nodes that there are, in the order they are tried, and what is counted over all of them. */
import type { Node } from '../api/generated/types.ts'
import { deepEqual } from '../api/json.ts'
import { createNodeInfo, type NodeInfo, updateNode } from './node-info.ts'

export interface Domains {
  values: ReadonlySet<string>
  /** Every node has the label. */
  onAllNodes: boolean
}

export interface KnownNodes {
  /** In the order they are tried: one zone after the other in turn. */
  all(): readonly NodeInfo[]
  get(name: string): NodeInfo | undefined
  /** The places that a label tells apart. */
  domains(topologyKey: string): Domains
  /** How many nodes have the image. */
  withImage(image: string): number
  /** How many have a taint that pods would rather avoid. */
  softTainted(): number
  /** Where pods of this node are counted, whether there is such a node or not. */
  place(name: string): NodeInfo
  set(node: Node): void
  delete(name: string): void
  /** A pod left the node. */
  left(name: string): void
}

const zoneOf = ({ labels }: Pick<NodeInfo, 'labels'>): string =>
  `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`

/** `placesChanged`: nodes came or went, or their labels changed. */
export function createKnownNodes(placesChanged: () => void): KnownNodes {
  const nodes = new Map<string, NodeInfo>()
  /** Pods on nodes that we have not heard of yet, or not any more. */
  const strays = new Map<string, NodeInfo>()
  const totals = createTotals()
  const domains = new Map<string, Domains>()
  let order: readonly NodeInfo[] | undefined

  const changed = () => {
    order = undefined
    domains.clear()
    placesChanged()
  }
  const add = (name: string, node: Node) => {
    const info = strays.get(name) ?? createNodeInfo(node)
    strays.delete(name)
    updateNode(info, node)
    nodes.set(name, info)
    changed()
    totals.count(info, 1)
  }
  const update = (info: NodeInfo, node: Node) => {
    totals.count(info, -1)
    const { labels } = info
    updateNode(info, node)
    if (!deepEqual(labels, info.labels)) changed()
    totals.count(info, 1)
  }

  return {
    all: () => (order ??= interleaveZones([...nodes.values()])),
    get: (name) => nodes.get(name),
    domains(topologyKey) {
      const known = domains.get(topologyKey)
      if (known) return known
      const found = computeDomains(nodes, topologyKey)
      domains.set(topologyKey, found)
      return found
    },
    withImage: totals.withImage,
    softTainted: totals.softTainted,
    place(name) {
      const known = nodes.get(name) ?? strays.get(name)
      if (known) return known
      const stray = createNodeInfo({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: '' } } as Node)
      strays.set(name, stray)
      return stray
    },
    set(node) {
      const { name } = node.metadata
      const known = nodes.get(name)
      if (known) update(known, node)
      else add(name, node)
    },
    delete(name) {
      const info = nodes.get(name)
      if (!info) return
      totals.count(info, -1)
      nodes.delete(name)
      changed()
      // Its pods are still there until they are deleted; the node may come back.
      if (info.pods.size > 0) strays.set(name, info)
    },
    left(name) {
      if (strays.get(name)?.pods.size === 0) strays.delete(name)
    },
  }
}

/** What nodes offer to all, or deter all by. */
function createTotals() {
  const images = new Map<string, number>()
  let softTainted = 0
  return {
    /** Counts a node in, or out again. */
    count(info: NodeInfo, change: 1 | -1) {
      for (const image of info.images.keys()) {
        const count = (images.get(image) ?? 0) + change
        if (count === 0) images.delete(image)
        else images.set(image, count)
      }
      if (info.taints.some(({ effect }) => effect === 'PreferNoSchedule')) softTainted += change
    },
    withImage: (image: string) => images.get(image) ?? 0,
    softTainted: () => softTainted,
  }
}

function computeDomains(nodes: ReadonlyMap<string, NodeInfo>, topologyKey: string): Domains {
  const values = Array.from(nodes.values(), ({ labels }) => labels[topologyKey])
  return { values: new Set(values.filter((value) => value !== undefined)), onAllNodes: !values.includes(undefined) }
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
