/** The flags of components of which one leads, and what they say of the lease. */
import { defineFlags, type ParsedFlags } from '../component/flags.ts'
import type { LeaderElectionOptions } from './leader-election.ts'

export const LEADER_FLAGS = defineFlags({
  'leader-elect': { type: 'bool', default: true, description: 'Run only while holding the leader lease' },
  'leader-elect-lease-duration': {
    type: 'duration',
    default: 15_000,
    description: 'How long a leader that is not heard of keeps its place',
  },
  'leader-elect-renew-deadline': {
    type: 'duration',
    default: 10_000,
    description: 'How long a leader tries to renew before it leaves',
  },
  'leader-elect-retry-period': { type: 'duration', default: 2000, description: 'Time between two tries to lead or to renew' },
})

type LeaseTimes = Required<Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>>

export const leaseTimes = (flags: ParsedFlags<typeof LEADER_FLAGS>): LeaseTimes => ({
  leaseDurationMs: flags['leader-elect-lease-duration'],
  renewDeadlineMs: flags['leader-elect-renew-deadline'],
  retryPeriodMs: flags['leader-elect-retry-period'],
})
