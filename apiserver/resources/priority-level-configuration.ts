/** PriorityLevelConfiguration: how many requests of a level run at once, and what becomes of the others. */
import { forbidden, invalid, notSupported, required } from '../../api/field-error.ts'
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '../../api/generated/types.ts'
import { MANDATORY_LEVELS } from '../flow-control/bootstrap-objects.ts'
import { AGE, NAME, NONE, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { type Errors } from './rules/field-rules.ts'
import { sameJson } from './rules/same-json.ts'
import { conditionErrors } from './flow-schema.ts'
import type { ResourceBehaviour } from './resource.ts'

const DEFAULT_SHARES = 30
const MAX_QUEUES = 10_000_000
/** Upstream deals hands of queues out of one random number of so many bits. */
const MAX_ENTROPY_BITS = 60

export const priorityLevelConfiguration: ResourceBehaviour<PriorityLevelConfiguration> = {
  setDefaults: ({ spec }) => {
    const { limited, exempt } = spec
    if (limited) {
      limited.nominalConcurrencyShares ??= DEFAULT_SHARES
      limited.lendablePercent ??= 0
      limited.limitResponse ??= { type: 'Reject' }
      const { queuing } = limited.limitResponse
      if (queuing) {
        queuing.queues ||= 64
        queuing.handSize ||= 8
        queuing.queueLengthLimit ||= 50
      }
    }
    if (spec.type === 'Exempt') {
      const filled = exempt ?? (spec.exempt = {})
      filled.nominalConcurrencyShares ??= 0
      filled.lendablePercent ??= 0
    }
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    if ((metadata.name === 'exempt') !== (spec.type === 'Exempt')) {
      errors.push(invalid('spec.type', spec.type, "type must be 'Exempt' if and only if name is 'exempt'"))
    }
    if (spec.type === 'Exempt') {
      if (spec.limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'))
      if (spec.exempt) validateShares(errors, 'spec.exempt', spec.exempt)
    } else if (spec.type === 'Limited') {
      if (spec.exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'))
      if (!spec.limited) errors.push(required('spec.limited', 'must not be empty when type is Limited'))
      else validateLimited(errors, 'spec.limited', spec.limited)
    } else errors.push(notSupported('spec.type', spec.type ?? '', ['Exempt', 'Limited']))
    errors.push(...mandatoryErrors(metadata.name, spec))
    return errors
  },
  validateStatusUpdate: ({ status }) => conditionErrors(status?.conditions ?? []),
  generationChanges: specChanges,
  columns: [
    NAME,
    text('Type', 'Whether the level is limited.', ({ spec }) => spec.type),
    text(
      'NominalConcurrencyShares',
      'Its part of the concurrency.',
      ({ spec }) => spec.limited?.nominalConcurrencyShares ?? NONE,
    ),
    text('Queues', 'How many queues it has.', ({ spec }) => spec.limited?.limitResponse?.queuing?.queues ?? NONE),
    text('HandSize', 'Queues that one flow is dealt.', ({ spec }) => spec.limited?.limitResponse?.queuing?.handSize ?? NONE),
    text(
      'QueueLengthLimit',
      'How many requests a queue holds.',
      ({ spec }) => spec.limited?.limitResponse?.queuing?.queueLengthLimit ?? NONE,
    ),
    AGE,
  ],
  hasStatus: true,
}

/** What the exempt level counts for among the others may be said, and nothing else of the mandatory levels. */
function mandatoryErrors(name: string, spec: PriorityLevelConfiguration['spec']): Errors {
  const fixed = MANDATORY_LEVELS.find((level) => level.metadata.name === name)?.spec
  if (!fixed) return []
  const [wanted, but] = fixed.exempt ? [{ ...fixed, exempt: spec.exempt }, " except the 'spec.exempt' field"] : [fixed, '']
  return sameJson(spec, wanted) ? [] : [invalid('spec', spec, `spec of '${name}'${but} must equal the fixed value`)]
}

function validateShares(
  errors: Errors,
  path: string,
  { nominalConcurrencyShares: shares = 0, lendablePercent = 0 }: ExemptPriorityLevelConfiguration,
): void {
  if (shares < 0) errors.push(invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'))
  if (lendablePercent < 0 || lendablePercent > 100) {
    errors.push(invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive'))
  }
}

function validateLimited(errors: Errors, path: string, limited: LimitedPriorityLevelConfiguration): void {
  const { borrowingLimitPercent, limitResponse } = limited
  validateShares(errors, path, limited)
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    errors.push(invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer'))
  }
  validateResponse(errors, `${path}.limitResponse`, limitResponse!)
}

function validateResponse(errors: Errors, path: string, { type, queuing }: LimitResponse): void {
  if (type === 'Reject') {
    if (queuing) errors.push(forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (!queuing) errors.push(required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
    else validateQueuing(errors, `${path}.queuing`, queuing)
  } else errors.push(notSupported(`${path}.type`, type ?? '', ['Queue', 'Reject']))
}

function validateQueuing(
  errors: Errors,
  path: string,
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration,
): void {
  if (queueLengthLimit <= 0) errors.push(invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, 'must be positive'))
  else if (queues > MAX_QUEUES) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${MAX_QUEUES}`))
  if (handSize <= 0) errors.push(invalid(`${path}.handSize`, handSize, 'must be positive'))
  else if (handSize > queues) errors.push(invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`))
  else if (queues > 0 && Math.log2(queues) * handSize > MAX_ENTROPY_BITS) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_ENTROPY_BITS}`
    errors.push(invalid(`${path}.handSize`, handSize, why))
  }
}
