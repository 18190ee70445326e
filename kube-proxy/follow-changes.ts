/** Tells the proxiers of both address families what changes: services, slices, the node's zone, the addresses of node ports. */
import { networkInterfaces } from 'node:os'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import { nodePortAddresses } from './local-addresses.ts'
import { type ProxiedObjects, serviceKeyOf, triggeredAt } from './proxied-objects.ts'
import type { Proxier } from './proxier.ts'
import type { Family, NodeView } from './service-ports.ts'

export interface FamilyProxier {
  family: Family
  proxier: Proxier
}

export interface FollowOptions {
  objects: ProxiedObjects
  proxiers: readonly FamilyProxier[]
  /** `--nodeport-addresses`. */
  nodePortRanges: readonly string[]
  viewFor(family: Family): NodeView
  /** A service or its slices changed. */
  changed(): void
}

/** What is there already is told at once: its objects have to be known. */
export function followChanges(options: FollowOptions): void {
  const { objects, proxiers, changed } = options
  const tellNodePortAddresses = createNodePortTeller(options)
  const touch: Proxier['touch'] = (key, change) => {
    for (const { proxier } of proxiers) proxier.touch(key, change)
    changed()
  }
  const tellZone = createZoneTeller(options)
  tellNodePortAddresses()
  tellZone()
  // In this order: what was there is told once by `start`, and each change after it as it comes.
  for (const { proxier } of proxiers) proxier.start(objects.services.store.list().map(keyOf))
  const onService = (service: Service) => touch(keyOf(service), { of: 'service' })
  objects.services.addHandlers({
    added: (service, initial) => initial || onService(service),
    updated: onService,
    deleted: onService,
  })
  const onSlice = (slice: EndpointSlice, since?: Date) => touch(serviceKeyOf(slice), { of: 'endpoints', since })
  objects.slices.addHandlers({
    added: (slice, initial) => initial || onSlice(slice, triggeredAt(slice)),
    // A slice keeps the time of its last trigger when it is written for another reason.
    updated: (slice, old) =>
      onSlice(slice, Number(triggeredAt(slice)) === Number(triggeredAt(old)) ? undefined : triggeredAt(slice)),
    deleted: (slice) => onSlice(slice),
  })
  objects.nodes.addHandlers({
    added: tellNodePortAddresses,
    updated() {
      // Kubelets say now and then that they are alive: as good a time as any to look at the interfaces.
      tellNodePortAddresses()
      tellZone()
    },
  })
}

/** Proxiers are made before the node is known. */
function createZoneTeller({ proxiers, viewFor, objects }: FollowOptions): () => void {
  let told: string | undefined
  return () => {
    const zone = zoneOf(objects)
    if (zone === told) return
    told = zone
    for (const { family, proxier } of proxiers) proxier.setNode(viewFor(family))
  }
}

export const zoneOf = ({ ownNode }: ProxiedObjects): string | undefined =>
  ownNode()?.metadata.labels?.['topology.kubernetes.io/zone']

function createNodePortTeller({ objects, proxiers, nodePortRanges }: FollowOptions): () => void {
  let told = ''
  return () => {
    const addresses = {
      machine: Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
      node: (objects.ownNode()?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? address : [])),
    }
    const all = proxiers.map(({ family }) => nodePortAddresses(nodePortRanges, family, addresses))
    if (JSON.stringify(all) === told) return
    told = JSON.stringify(all)
    for (const [index, { proxier }] of proxiers.entries()) proxier.setNodePortAddresses(all[index]!)
  }
}
