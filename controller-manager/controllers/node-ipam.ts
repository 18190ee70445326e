/** Node IPAM: every node has a range of pod addresses of its own, cut from the cluster's. */
import type { Node } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { mergePatch } from '../status-patch.ts'
import { createRangeAllocator, type RangeAllocator } from './node/range-allocator.ts'

export interface NodeRange {
  cidr: string
  maskSize: number
}

export function createNodeIpam(ranges: readonly NodeRange[]): Controller<'Node', string[] | null> {
  const allocators = ranges.map(({ cidr, maskSize }) => createRangeAllocator(cidr, maskSize))
  let known = false
  return {
    name: 'node-ipam-controller',
    for: 'Node',
    // Two nodes are looked at at the same time, and neither sees the other's range in the cache yet: the allocator remembers.
    observe({ metadata, spec }, cache) {
      if (!known) for (const node of cache.of('Node').list()) occupy(allocators, node)
      known = true
      if (spec?.podCIDR) {
        occupy(allocators, { metadata, spec } as Node)
        return spec.podCIDRs ?? [spec.podCIDR]
      }
      const found = allocators.map((allocator) => allocator.take(metadata.name))
      return found.includes(null) ? null : (found as string[])
    },
    reconcile,
    gone({ name }) {
      for (const allocator of allocators) allocator.release(name)
      return []
    },
  }
}

function occupy(allocators: readonly RangeAllocator[], { metadata, spec }: Node): void {
  for (const cidr of spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])) {
    for (const allocator of allocators) allocator.occupy(metadata.name, cidr)
  }
}

export function reconcile(node: Node, podCIDRs: string[] | null): Action[] {
  if (node.spec?.podCIDR || node.metadata.deletionTimestamp) return []
  if (podCIDRs) return [mergePatch(node, { spec: { podCIDR: podCIDRs[0], podCIDRs } })]
  const message = `Node ${node.metadata.name} status is now: CIDRNotAvailable`
  return [
    { do: 'event', about: node, type: 'Normal', reason: 'CIDRNotAvailable', message },
    // A node that leaves gives its range back, but wakes no other.
    { do: 'requeue', afterMs: 60_000 },
  ]
}
