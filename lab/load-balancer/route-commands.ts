/**
 * Paths as lines for `ip -batch`: each address is a route to a group of next hops of its own. Pure.
 *
 * The groups are resilient: connections are spread over buckets, and a node that goes takes only its own buckets' connections
 * with it. One that comes gets buckets that were silent for a while.
 */
import { type LabDefinition, nodeAddress } from '../definition.ts'

/** Marks our routes in the switch. */
export const ROUTE_PROTOCOL = '196'
const BUCKETS = 128
const IDLE_S = 300

/** Identifiers of next hops: nodes first, groups by the last number of their address after them. */
const hopOf = ({ nodes }: LabDefinition, node: string) => nodes.indexOf(node) + 1
const groupOf = (address: string) => 1000 + Number(address.split('.')[3])

export const hopLines = (lab: LabDefinition): string[] =>
  lab.nodes.map((node) => `nexthop replace id ${hopOf(lab, node)} via ${nodeAddress(lab, node)} dev switch`)

export function pathLines(
  lab: LabDefinition,
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): string[] {
  const lines: string[] = []
  for (const [address, nodes] of after) {
    const hops = nodes.map((node) => hopOf(lab, node)).join('/')
    const old = before.get(address)
    if (old?.map((node) => hopOf(lab, node)).join('/') === hops) continue
    lines.push(`nexthop replace id ${groupOf(address)} group ${hops} type resilient buckets ${BUCKETS} idle_timer ${IDLE_S}`)
    if (!old) lines.push(`route replace ${address}/32 nhid ${groupOf(address)} proto ${ROUTE_PROTOCOL}`)
  }
  for (const address of before.keys()) {
    // The route goes with its group.
    if (!after.has(address)) lines.push(`nexthop del id ${groupOf(address)}`)
  }
  return lines
}
