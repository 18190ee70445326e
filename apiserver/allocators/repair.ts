/** Makes reservations agree with the services that are stored: what a server that died in the middle of a write leaves behind. */
import type { Service } from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import type { Owner, Reservations } from './reservations.ts'
import { valuesOf } from './service-values.ts'

/** A write that is under way may have reserved what its service, not stored yet, will use. */
const GRACE_MS = 60_000

interface Repair {
  clusterIPs: Reservations
  nodePorts: Reservations
  services: readonly Service[]
  logger: Logger
  now: () => Date
}

export async function repairReservations({ clusterIPs, nodePorts, services, logger, now }: Repair): Promise<void> {
  const values = services.map((service) => ({ owner: ownerOf(service), ...valuesOf(service) }))
  await repairOne(
    clusterIPs,
    values.map(({ owner, clusterIPs }) => ({ owner, values: clusterIPs })),
    'cluster IP',
    logger,
    now(),
  )
  await repairOne(
    nodePorts,
    values.map(({ owner, nodePorts }) => ({ owner, values: nodePorts })),
    'node port',
    logger,
    now(),
  )
}

interface Use {
  owner: Owner
  values: readonly string[]
}

async function repairOne(
  reservations: Reservations,
  uses: readonly Use[],
  what: string,
  logger: Logger,
  now: Date,
): Promise<void> {
  const users = new Map<string, Owner>()
  for (const { owner, values } of uses) {
    for (const value of values) {
      const first = users.get(value)
      if (first) logger.error(`two services have one ${what}`, { value, first: nameOf(first), second: nameOf(owner) })
      else users.set(value, owner)
    }
  }
  for (const { value, owner, since } of reservations.list()) {
    const user = users.get(value)
    if (user && nameOf(user) === nameOf(owner)) continue
    if (now.getTime() - since.getTime() < GRACE_MS) continue
    logger.info(`releasing a ${what} that its service does not use`, { value, service: nameOf(owner) })
    await reservations.release(value, owner)
  }
  for (const [value, owner] of users) {
    if (reservations.isHeld(value)) continue
    logger.info(`reserving a ${what} that its service uses`, { value, service: nameOf(owner) })
    await reservations.reserve(value, owner)
  }
}

const ownerOf = ({ metadata }: Service): Owner => ({ namespace: metadata.namespace ?? '', name: metadata.name })
const nameOf = ({ namespace, name }: Owner): string => `${namespace}/${name}`
