/** How many requests ("seats") of each priority level may run at once: its share of the whole, what it lends, what it may borrow. */
import type { PriorityLevelConfiguration } from '../../api/generated/types.ts'

export interface SeatLimits {
  /** Its share of the server's seats. */
  nominal: number
  /** What nobody can borrow from it. */
  min: number
  /** What it may have while others do not need theirs. */
  max: number
}

export const sharesOf = ({ spec }: PriorityLevelConfiguration): number =>
  (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? (spec.limited ? 30 : 0)

/** Rounded up, as upstream has it: together the levels may have a few seats more than the server. */
export function seatLimits(level: PriorityLevelConfiguration, sumOfShares: number, total: number): SeatLimits {
  const { limited, exempt } = level.spec
  const nominal = sumOfShares > 0 ? Math.ceil((total * sharesOf(level)) / sumOfShares) : 0
  const part = (percent: number) => Math.round((nominal * percent) / 100)
  const lendable = part((limited ?? exempt)?.lendablePercent ?? 0)
  const borrowable = limited?.borrowingLimitPercent === undefined ? total : part(limited.borrowingLimitPercent)
  return { nominal, min: nominal - lendable, max: nominal + borrowable }
}
