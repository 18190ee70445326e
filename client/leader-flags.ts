/** The flags of components of which one leads, and what they say of the lease. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
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
  'leader-elect-identity': {
    type: 'string',
    description:
      'Name among those who would lead, another one at each start by default. With one that stays, a leader that was killed goes on at once; two processes of one name would both lead.',
  },
  'leader-elect-retry-period': { type: 'duration', default: 2000, description: 'Time between two tries to lead or to renew' },
})

type LeaseSettings = Required<Pick<LeaderElectionOptions, 'identity' | 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>>

export const leaseSettings = (flags: ParsedFlags<typeof LEADER_FLAGS>): LeaseSettings => ({
  identity: flags['leader-elect-identity'] || `${hostname()}_${randomUUID()}`,
  leaseDurationMs: flags['leader-elect-lease-duration'],
  renewDeadlineMs: flags['leader-elect-renew-deadline'],
  retryPeriodMs: flags['leader-elect-retry-period'],
})
