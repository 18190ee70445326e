/** How many seats a request takes: one, or more for a list that is long. */
import type { RequestInfo } from '../requests/request-info.ts'
import type { Level } from './seat-pool.ts'

const OBJECTS_PER_SEAT = 100
const MOST_SEATS = 10
/** Of a level's seats one request may take so much, and no more than its part if a whole hand of them came. */
const MOST_OF_LEVEL = 0.15

/** `stored` tells how many objects a list would go through. A watch is as wide as the list that it begins with. */
export function widthOf(info: RequestInfo, level: Level, stored: (info: RequestInfo) => number): number {
  if (level.exempt || info.name !== '' || !(info.verb === 'list' || beginsWithList(info))) return 1
  const objects = stored(info)
  if (objects <= OBJECTS_PER_SEAT) return 1
  const limit = Number(info.query.get('limit'))
  const wanted = Math.ceil((limit > 0 ? Math.min(limit, objects) : objects) / OBJECTS_PER_SEAT)
  return Math.min(wanted, mostSeats(level))
}

function beginsWithList({ verb, query }: RequestInfo): boolean {
  if (verb !== 'watch') return false
  const revision = query.get('resourceVersion')
  return !revision || revision === '0' || query.get('sendInitialEvents') === 'true'
}

function mostSeats({ nominal, queuing }: Level): number {
  if (!queuing) return MOST_SEATS
  return Math.min(MOST_SEATS, Math.max(1, Math.min(Math.ceil(nominal * MOST_OF_LEVEL), Math.floor(nominal / queuing.handSize))))
}
