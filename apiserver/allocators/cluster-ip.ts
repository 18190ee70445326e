/** Cluster IPs: one of each family a service has, the one it asks for or any that is free. */
import { invalid as invalidField } from '../../api/field-error.ts'
import type { Service } from '../../api/generated/types.ts'
import { ipFamily } from '../../api/names.ts'
import { internalError, invalid } from '../../api/status.ts'
import { isHeadless } from '../resources/service/fields.ts'
import { parseRange, type IpRange } from './ip-range.ts'
import { clusterIpRange, pickFree } from './pick-free.ts'
import type { Claims } from './claims.ts'

/** Puts the service's cluster IPs into it, claiming each that it did not have before. Throws the `ApiError` to answer with. */
export async function allocateClusterIPs(
  service: Service,
  held: readonly string[],
  ranges: readonly IpRange[],
  claims: Claims,
): Promise<void> {
  const { spec } = service
  if (spec.type === 'ExternalName' || isHeadless(service)) return
  const ips = [...(spec.clusterIPs ?? [])]
  for (const ip of ips) if (!held.includes(ip)) await claimWanted(service, ip, ranges, claims)
  for (const family of spec.ipFamilies ?? []) {
    if (ips.some((ip) => `IPv${ipFamily(ip)}` === family)) continue
    ips.push(
      await claimAny(
        ranges.filter((range) => range.family === family),
        claims,
      ),
    )
  }
  spec.clusterIPs = ips
  spec.clusterIP = ips[0]
}

async function claimWanted({ metadata, spec }: Service, ip: string, ranges: readonly IpRange[], claims: Claims): Promise<void> {
  const refuse = (why: string) =>
    invalid('', 'Service', metadata.name, [
      invalidField('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${ip}: ${why}`),
    ])
  if (!ranges.some((range) => range.offsetOf(ip) >= 0)) throw refuse('the provided network does not match the current range')
  if (!(await claims.claim(ip))) throw refuse('provided IP is already allocated')
}

async function claimAny(ranges: readonly IpRange[], claims: Claims): Promise<string> {
  for (const range of ranges) {
    // Others may take what looked free: their reservation is known here by the time the next one is picked, or refused again.
    const refused = new Set<number>()
    for (;;) {
      const isUsed = (offset: number) => refused.has(offset) || claims.isTaken(range.at(offset))
      const offset = pickFree(clusterIpRange(range.size), isUsed, claims.random)
      if (offset === undefined) break
      const ip = range.at(offset)
      if (await claims.claim(ip)) return ip
      refused.add(offset)
    }
  }
  throw internalError(new Error('failed to allocate a serviceIP: range is full'))
}

const parsed = new Map<string, IpRange>()

/** Ranges are few and asked for on each write: read each text once. */
export function rangeOf(cidr: string): IpRange {
  let range = parsed.get(cidr)
  if (!range) parsed.set(cidr, (range = parseRange(cidr)))
  return range
}
