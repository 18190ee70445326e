/**
 * What services must not share: cluster IPs and node ports. Each is reserved in etcd before the service that uses it is stored,
 * and given back after the service has let go of it, so that two services never have one value, whichever servers wrote them.
 * A server that dies in between leaves reservations without a service behind: `repair` finds those.
 */
import type { Service, ServiceCIDR } from '../../api/generated/types.ts'
import { invalid } from '../../api/status.ts'
import type { Logger } from '../../component/logger.ts'
import type { ClusterReader } from '../admission/plugin.ts'
import type { Hold } from '../resources/resource.ts'
import { createClaims } from './claims.ts'
import { allocateClusterIPs, rangeOf } from './cluster-ip.ts'
import { setIpFamilies } from './ip-families.ts'
import type { IpRange } from './ip-range.ts'
import { allocateNodePorts, DEFAULT_NODE_PORTS, type PortRange } from './node-port.ts'
import { repairReservations } from './repair.ts'
import type { Owner, Reservations } from './reservations.ts'
import { valuesOf } from './service-values.ts'

export interface ServiceAllocator {
  /**
   * Reserves what `service` needs and `old` has not, and writes allocated values into `service`. `service` is undefined when it
   * goes, `old` when it comes. Throws the `ApiError` to answer with; then nothing is held.
   */
  hold(service: Service | undefined, old: Service | undefined, dryRun: boolean): Promise<Hold>
  /** Makes reservations and services agree again, now and every few minutes until the signal. */
  startRepair(signal: AbortSignal): void
}

export interface ServiceAllocatorOptions {
  clusterIPs: Reservations
  nodePorts: Reservations
  reader: ClusterReader
  /** `--service-cluster-ip-range`; ServiceCIDR objects add to it. The first one's family is the cluster's primary. */
  serviceRanges: readonly string[]
  nodePortRange?: PortRange
  logger: Logger
  now: () => Date
  random?: () => number
}

/** Upstream's interval of the same repair. */
const REPAIR_EVERY_MS = 3 * 60_000

const NO_HOLD: Hold = { commit: async () => {}, rollback: async () => {} }

export function createServiceAllocator(options: ServiceAllocatorOptions): ServiceAllocator {
  const { clusterIPs, nodePorts, logger, now, nodePortRange = DEFAULT_NODE_PORTS, random = Math.random } = options
  const release = async (reservations: Reservations, values: readonly string[], owner: Owner) => {
    for (const value of values) {
      try {
        await reservations.release(value, owner)
      } catch (error) {
        // The repair gives it back later.
        logger.warn('cannot release a reservation', { value, service: `${owner.namespace}/${owner.name}`, error: String(error) })
      }
    }
  }

  const hold = async (service: Service | undefined, old: Service | undefined, dryRun: boolean): Promise<Hold> => {
    // A write to the status shares the old spec, which is not to be touched.
    if (service && service.spec === old?.spec) return NO_HOLD
    const owner = ownerOf(service ?? old)
    const before = valuesOf(old)
    const ips = createClaims(clusterIPs, owner, dryRun, random)
    const ports = createClaims(nodePorts, owner, dryRun, random)
    const rollback = async () => {
      if (dryRun) return
      await release(clusterIPs, ips.claimed(), owner)
      await release(nodePorts, ports.claimed(), owner)
    }
    if (service) {
      const ranges = rangesOf(options)
      const errors = setIpFamilies(service, old, familiesOf(ranges))
      if (errors.length > 0) throw invalid('', 'Service', service.metadata.name, errors)
      try {
        await allocateClusterIPs(service, before.clusterIPs, ranges, ips)
        await allocateNodePorts(service, before.nodePorts, nodePortRange, ports)
      } catch (error) {
        await rollback()
        throw error
      }
    }
    const after = valuesOf(service)
    const goneIPs = without(before.clusterIPs, after.clusterIPs)
    const gonePorts = without(before.nodePorts, after.nodePorts)
    if (dryRun) return NO_HOLD
    return {
      rollback,
      commit: async () => {
        await release(clusterIPs, goneIPs, owner)
        await release(nodePorts, gonePorts, owner)
      },
    }
  }

  const startRepair = (signal: AbortSignal) => {
    const repair = () =>
      repairReservations({ clusterIPs, nodePorts, services: options.reader.list('Service'), logger, now }).catch(
        (error: unknown) => {
          logger.error('cannot repair service reservations', { error: String(error) })
        },
      )
    void repair()
    const timer = setInterval(() => void repair(), REPAIR_EVERY_MS)
    timer.unref()
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  return { hold, startRepair }
}

const without = (values: readonly string[], others: readonly string[]): string[] =>
  values.filter((value) => !others.includes(value))

function ownerOf(service: Service | undefined): Owner {
  if (!service) throw new Error('Cannot hold values for no service: neither the new object nor the old one is given')
  return { namespace: service.metadata.namespace ?? '', name: service.metadata.name }
}

/** The flag's ranges and those of every ServiceCIDR that is in use and not on its way out. */
function rangesOf({ serviceRanges, reader }: ServiceAllocatorOptions): IpRange[] {
  const cidrs = new Set(serviceRanges)
  for (const serviceCidr of reader.list('ServiceCIDR')) {
    for (const cidr of serviceCidr.spec.cidrs ?? []) {
      if (isReady(serviceCidr)) cidrs.add(cidr)
    }
  }
  return [...cidrs].map(rangeOf)
}

const isReady = ({ metadata, status }: ServiceCIDR): boolean =>
  !metadata.deletionTimestamp && status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False'

const familiesOf = (ranges: readonly IpRange[]): ('IPv4' | 'IPv6')[] => [...new Set(ranges.map(({ family }) => family))]
