/** One active process among several: a Lease that the leader renews and the others take over when it is not. */
import type { Lease, LeaseSpec } from '../api/generated/types.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../api/status.ts'
import { formatMicroTime } from '../api/time.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { ApiClient } from './api-client.ts'
import type { EventRecorder } from './event-recorder.ts'

export interface LeaderElectionOptions {
  client: Pick<ApiClient, 'get' | 'create' | 'update'>
  clock: Clock
  logger: Logger
  recorder?: EventRecorder | undefined
  /** The lease's name: `kube-scheduler`. */
  name: string
  namespace?: string
  /** Unique among all candidates: upstream uses `<host>_<uuid>`. */
  identity: string
  /** Told with the lease while it is ours: where the leader can be asked, say. */
  annotations?: Readonly<Record<string, string>> | undefined
  leaseDurationMs?: number
  /** How long the leader tries to renew, from its first try on, before it leaves. */
  renewDeadlineMs?: number
  retryPeriodMs?: number
  random?: () => number
}

export class LeadershipLostError extends Error {
  override name = 'LeadershipLostError'
}

/** Observed by us, on our clock: clocks of others may be off, so only the time since we saw a change counts. */
interface Observed {
  lease: Lease
  text: string
  at: number
}

/**
 * Waits for the lease, then runs `lead` while it holds. Rejects with LeadershipLostError when it cannot be renewed in time: the
 * caller must leave, since another may lead already. When `signal` aborts it waits for `lead`, gives the lease back and resolves.
 */
export async function runWithLeaderElection(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, identity, random = Math.random } = options
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options
  const candidate = createCandidate(options)
  logger.info('waiting for the leader lease', { lease: options.name, identity })
  while (!signal.aborted && !(await candidate.tryToHold())) await clock.sleep(retryPeriodMs * (1 + 1.2 * random()), signal)
  if (signal.aborted) return candidate.release()
  logger.info('became leader', { lease: options.name, identity })

  const term = new AbortController()
  const leading = lead(AbortSignal.any([term.signal, signal]))
  const ended = leading.then(
    () => 'ended' as const,
    () => 'ended' as const,
  )
  const now = () => clock.now().getTime()
  // When the server was asked, not when it answered: the others may count from there.
  let renewedAt = now()
  let deadline = Infinity
  while (!signal.aborted) {
    if ((await Promise.race([ended, clock.sleep(retryPeriodMs, signal)])) === 'ended') break
    if (signal.aborted) break
    const asked = now()
    // A busy machine may have kept us from asking for a while: the lease is ours all the same until it runs out.
    deadline = Math.min(deadline, asked + renewDeadlineMs, renewedAt + leaseDurationMs)
    if (await withDeadline(candidate.tryToHold(), clock, deadline)) {
      renewedAt = asked
      deadline = Infinity
    } else if (now() >= deadline) {
      term.abort()
      throw new LeadershipLostError(`lost the lease ${options.name}`)
    }
  }
  term.abort()
  try {
    await leading
  } finally {
    await candidate.release()
  }
}

const withDeadline = (attempt: Promise<boolean>, clock: Clock, deadline: number): Promise<boolean> =>
  Promise.race([attempt, clock.sleep(Math.max(0, deadline - clock.now().getTime())).then(() => false)])

function createCandidate({
  client,
  clock,
  logger,
  recorder,
  name,
  namespace = 'kube-system',
  identity,
  annotations,
  leaseDurationMs = 15_000,
}: LeaderElectionOptions) {
  let observed: Observed | undefined
  const observe = (lease: Lease) => {
    const text = `${lease.spec.holderIdentity ?? ''}/${lease.spec.renewTime ?? ''}/${lease.spec.leaseTransitions ?? 0}`
    if (observed?.text === text) observed.lease = lease
    else observed = { lease, text, at: clock.now().getTime() }
  }
  const isMine = () => observed?.lease.spec.holderIdentity === identity
  const isTaken = () => {
    if (!observed?.lease.spec.holderIdentity || isMine()) return false
    return observed.at + (observed.lease.spec.leaseDurationSeconds ?? 15) * 1000 > clock.now().getTime()
  }
  const specNow = (): LeaseSpec => {
    const time = formatMicroTime(clock.now())
    const before = observed?.lease.spec
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
      renewTime: time,
      acquireTime: isMine() ? (before?.acquireTime ?? time) : time,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !isMine() ? 1 : 0),
    }
  }
  const tryOnce = async (): Promise<boolean> => {
    // The leader writes without reading first: its own last write tells it the revision.
    if (!isMine()) observe(await client.get('Lease', { namespace, name }))
    if (isTaken()) return false
    const had = isMine()
    const { metadata } = observed!.lease
    const told = annotations ? { ...metadata, annotations: { ...metadata.annotations, ...annotations } } : metadata
    const lease = await client.update('Lease', { ...observed!.lease, metadata: told, spec: specNow() })
    observe(lease)
    if (!had) recorder?.event(lease, 'Normal', 'LeaderElection', `${identity} became leader`)
    return true
  }

  return {
    /** Takes or renews the lease; false when another holds it or the server did not let us. */
    async tryToHold(): Promise<boolean> {
      try {
        return await tryOnce()
      } catch (error) {
        if (isNotFound(error)) {
          observed = undefined
          return client
            .create('Lease', { metadata: { namespace, name, ...(annotations ? { annotations } : {}) }, spec: specNow() })
            .then(
              (lease) => {
                observe(lease)
                recorder?.event(lease, 'Normal', 'LeaderElection', `${identity} became leader`)
                return true
              },
              (failure: unknown) => {
                if (!isAlreadyExists(failure))
                  logger.warn('cannot create the leader lease', { lease: name, error: String(failure) })
                return false
              },
            )
        }
        // Someone wrote in between: what we remember is old.
        if (isConflict(error)) observed = undefined
        else logger.warn('cannot hold the leader lease', { lease: name, error: String(error) })
        return false
      }
    },
    /** Gives a lease of ours back, so that the next leader need not wait for it to run out. */
    async release(): Promise<void> {
      if (!observed || !isMine()) return
      const spec = { ...specNow(), holderIdentity: '', leaseDurationSeconds: 1 }
      await client.update('Lease', { ...observed.lease, spec }).catch((error: unknown) => {
        logger.warn('cannot give the leader lease back', { lease: name, error: String(error) })
      })
    },
  }
}
