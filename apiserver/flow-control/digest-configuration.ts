/** From the objects of flow control to what the server works with: levels with their seats, the schemas that count. Pure. */
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts'
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS } from './bootstrap-objects.ts'
import { seatLimits, sharesOf } from './seat-limits.ts'
import type { LevelSetup } from './seat-pool.ts'

export interface Configuration {
  levels: (LevelSetup & { quiescing: boolean; source: PriorityLevelConfiguration })[]
  /** Each of its level is there. The mandatory ones always are. */
  schemas: FlowSchema[]
  /** Of every schema that there is: whether its level exists. */
  isFound: (schema: FlowSchema) => boolean
}

/** `lingering` levels have gone, but requests of them are still at work: they keep their share until these are done. */
export function digestConfiguration(
  levels: readonly PriorityLevelConfiguration[],
  schemas: readonly FlowSchema[],
  lingering: readonly PriorityLevelConfiguration[],
  totalSeats: number,
): Configuration {
  const whole = levels.filter(isWhole)
  const names = new Set(whole.map(({ metadata }) => metadata.name))
  const isFound = ({ spec }: FlowSchema) => names.has(spec.priorityLevelConfiguration.name)
  const present = [...whole, ...missing(MANDATORY_LEVELS, whole)]
  const gone = missing(lingering, present)
  const sumOfShares = [...present, ...gone].reduce((sum, level) => sum + sharesOf(level), 0)
  const setUp = (quiescing: boolean) => (source: PriorityLevelConfiguration) => ({
    name: source.metadata.name,
    uid: source.metadata.uid ?? '',
    exempt: source.spec.type === 'Exempt',
    queuing: queuingOf(source),
    quiescing,
    source,
    ...seatLimits(source, sumOfShares, totalSeats),
  })
  const counted = schemas.filter(isFound)
  return {
    levels: [...present.map(setUp(false)), ...gone.map(setUp(true))],
    schemas: [...counted, ...missing(MANDATORY_SCHEMAS, counted)],
    isFound,
  }
}

/** A broken one is as good as none: nothing but an older version can have stored it. */
const isWhole = ({ metadata, spec }: PriorityLevelConfiguration): boolean =>
  (spec.type === 'Exempt') === (metadata.name === 'exempt') && (spec.type === 'Limited') === (spec.limited !== undefined)

function missing<T extends { metadata: { name: string } }>(wanted: readonly T[], present: readonly T[]): T[] {
  const names = new Set(present.map(({ metadata }) => metadata.name))
  return wanted.filter(({ metadata }) => !names.has(metadata.name))
}

function queuingOf({ spec }: PriorityLevelConfiguration): LevelSetup['queuing'] {
  const { type, queuing } = spec.limited?.limitResponse ?? {}
  if (type !== 'Queue') return undefined
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = queuing ?? {}
  return { queues, handSize, queueLengthLimit }
}
