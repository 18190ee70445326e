/** Topology mode Auto: endpoints are shared out to zones by the processors of their nodes, so that traffic stays near and evenly loaded. Pure. */
import type { Endpoint, Node, Service } from '../../../api/generated/types.ts'
import { quantityMilliValue } from '../../../api/quantity.ts'
import { findCondition } from '../../conditions.ts'

const annotations = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode']
const zoneLabel = 'topology.kubernetes.io/zone'
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']
/** A zone may be loaded this much more than the mean. */
const overload = 0.2

const enabled = 'Topology Aware Hints has been enabled'
const insufficientNodes = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
const noZone = 'One or more endpoints do not have a zone specified'
const tooFew = 'Insufficient number of endpoints'
const wouldOverload = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold'

/** It stands above `spec.trafficDistribution`; the older annotation above the newer. */
export const isTopologyAuto = ({ metadata }: Service): boolean => {
  const values = annotations.map((name) => metadata.annotations?.[name]).filter((value) => value !== undefined)
  return values[0] === 'Auto' || values[0] === 'auto'
}

/** The share of each zone in all processors; null where a node does not tell, or where there is one zone alone. */
function zoneShares(nodes: readonly Node[]): Map<string, number> | null {
  const usable = nodes.filter(
    ({ metadata, status }) =>
      !controlPlaneLabels.some((label) => label in (metadata.labels ?? {})) &&
      findCondition(status?.conditions, 'Ready')?.status === 'True',
  )
  const cpus = new Map<string, number>()
  for (const { metadata, status } of usable) {
    const zone = metadata.labels?.[zoneLabel]
    const cpu = Number(quantityMilliValue(status?.allocatable?.['cpu'] ?? '0'))
    if (!zone || cpu === 0) return null
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu)
  }
  if (cpus.size < 2) return null
  const total = [...cpus.values()].reduce((sum, cpu) => sum + cpu, 0)
  return new Map([...cpus].map(([zone, cpu]) => [zone, cpu / total]))
}

/**
 * The zone that each endpoint (by its key) is to serve, or why they cannot be shared out: too few, one of no zone, or a zone that
 * would be overloaded. The same endpoints get the same zones, and stay in their own as far as the shares allow.
 */
export function shareOut(
  zoneOf: ReadonlyMap<string, string | undefined>,
  shares: ReadonlyMap<string, number>,
): Map<string, string> | string {
  const counted = `(${zoneOf.size} endpoints, ${shares.size} zones)`
  if (zoneOf.size < shares.size) return `${tooFew} ${counted}`
  const least = new Map([...shares].map(([zone, share]) => [zone, Math.ceil((share * zoneOf.size) / (1 + overload))]))
  const spare = zoneOf.size - [...least.values()].reduce((sum, count) => sum + count, 0)
  if (spare < 0) return `${wouldOverload} ${counted}`
  const counts = new Map([...shares.keys()].map((zone) => [zone, 0]))
  const given = new Map<string, string>()
  const give = (key: string, zone: string) => {
    given.set(key, zone)
    counts.set(zone, counts.get(zone)! + 1)
  }
  const left: string[] = []
  for (const [key, zone] of [...zoneOf].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (zone === undefined) return noZone
    if (shares.has(zone) && counts.get(zone)! < least.get(zone)! + spare) give(key, zone)
    else left.push(key)
  }
  return fillLeast(left, { given, counts, least, give }) ? given : `${wouldOverload} ${counted}`
}

interface Sharing {
  given: Map<string, string>
  counts: Map<string, number>
  least: ReadonlyMap<string, number>
  give: (key: string, zone: string) => void
}

/** Zones that have too few get what is left, then what others have above their least. */
function fillLeast(left: string[], { given, counts, least, give }: Sharing): boolean {
  for (const [zone, wanted] of [...least].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    while (counts.get(zone)! < wanted) {
      const key =
        left.shift() ?? [...given.keys()].findLast((each) => counts.get(given.get(each)!)! > least.get(given.get(each)!)!)
      if (key === undefined) return false
      const from = given.get(key)
      if (from !== undefined) counts.set(from, counts.get(from)! - 1)
      give(key, zone)
    }
  }
  for (const key of left) {
    const [emptiest] = [...counts].toSorted((a, b) => a[1] / (least.get(a[0]) || 1) - b[1] / (least.get(b[0]) || 1))
    give(key, emptiest![0])
  }
  return true
}

type Groups = Iterable<{ endpoints: Map<string, Endpoint> }>
export interface HintsTold {
  type: 'Normal' | 'Warning'
  reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled'
  message: string
}

/** The annotation is gone. */
export const switchedOff: HintsTold = {
  type: 'Warning',
  reason: 'TopologyAwareHintsDisabled',
  message: 'Topology Aware Hints has been disabled',
}

/** In place: the hints of all ready endpoints, or of none. Answers what the user is told when that changes something. */
export function hintByZone(groups: Groups, nodes: readonly Node[]): HintsTold {
  const all = [...groups].flatMap(({ endpoints }) => [...endpoints].map(([key, endpoint]) => ({ endpoints, key, endpoint })))
  const shares = zoneShares(nodes)
  const ready = all.filter(({ endpoint }) => endpoint.conditions?.ready)
  const zones = shares ? shareOut(new Map(ready.map(({ key, endpoint }) => [key, endpoint.zone])), shares) : insufficientNodes
  for (const { endpoints, key, endpoint } of all) {
    const { hints: _, ...plain } = endpoint
    const zone = endpoint.conditions?.ready && typeof zones !== 'string' ? zones.get(key) : undefined
    endpoints.set(key, zone === undefined ? plain : { ...plain, hints: { forZones: [{ name: zone }] } })
  }
  return typeof zones === 'string'
    ? { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: zones }
    : { type: 'Normal', reason: 'TopologyAwareHintsEnabled', message: enabled }
}
