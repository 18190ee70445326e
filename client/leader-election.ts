/** One active process among several: a Lease that the leader renews and the others take over when it is not. */
import type { Lease } from '../api/generated/types.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../api/status.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { ApiClient } from './api-client.ts'
import type { EventRecorder } from './event-recorder.ts'
import { createObservedLease } from './observed-lease.ts'

export interface LeaderElectionOptions {
  client: Pick<ApiClient, 'get' | 'create' | 'update'>
  clock: Clock
  logger: Logger
  recorder?: EventRecorder | undefined
  /** The lease's name: `kube-scheduler`. */
  name: string
  namespace?: string
  /** Unique among all candidates: upstream uses `<host>_<uuid>`. Whoever has the one in the lease is its holder. */
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

interface Candidate {
  /** Takes or renews the lease; false when another holds it or the server did not let us. */
  tryToHold(): Promise<boolean>
  /** Gives a lease of ours back, so that the next leader need not wait for it to run out. */
  release(): Promise<void>
}

function createCandidate(options: LeaderElectionOptions): Candidate {
  const { client, logger, name, namespace = 'kube-system', identity, annotations, leaseDurationMs = 15_000 } = options
  const observed = createObservedLease(options.clock, identity, leaseDurationMs)
  const won = (lease: Lease) => options.recorder?.event(lease, 'Normal', 'LeaderElection', `${identity} became leader`)

  async function hold(): Promise<boolean> {
    // The leader writes without reading first: its own last write tells it the revision.
    if (!observed.isMine()) observed.saw(await client.get('Lease', { namespace, name }))
    if (observed.isTaken()) return false
    const had = observed.isMine()
    const known = observed.current()!
    const metadata = { ...known.metadata, ...(annotations && { annotations: { ...known.metadata.annotations, ...annotations } }) }
    const lease = await client.update('Lease', { ...known, metadata, spec: observed.specNow() })
    observed.saw(lease)
    if (!had) won(lease)
    return true
  }

  async function make(): Promise<boolean> {
    observed.forget()
    const metadata = { namespace, name, ...(annotations && { annotations }) }
    try {
      const lease = await client.create('Lease', { metadata, spec: observed.specNow() })
      observed.saw(lease)
      won(lease)
      return true
    } catch (error) {
      if (!isAlreadyExists(error)) logger.warn('cannot create the leader lease', { lease: name, error: String(error) })
      return false
    }
  }

  return {
    async tryToHold() {
      try {
        return await hold()
      } catch (error) {
        if (isNotFound(error)) return make()
        // Someone wrote in between: what we remember is old.
        if (isConflict(error)) observed.forget()
        else logger.warn('cannot hold the leader lease', { lease: name, error: String(error) })
        return false
      }
    },
    async release() {
      const lease = observed.current()
      if (!lease || !observed.isMine()) return
      const spec = { ...observed.specNow(), holderIdentity: '', leaseDurationSeconds: 1 }
      await client.update('Lease', { ...lease, spec }).catch((error: unknown) => {
        logger.warn('cannot give the leader lease back', { lease: name, error: String(error) })
      })
    },
  }
}
