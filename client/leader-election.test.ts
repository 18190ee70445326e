import { expect, test } from 'vitest'
import { serviceUnavailable } from '../api/status.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { LeadershipLostError, runWithLeaderElection } from './leader-election.ts'
import { createMemoryApiClient } from './memory-api-client.ts'

function make() {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const log: string[] = []
  /** How long the server takes to answer the next write. */
  const slow = { ms: 0 }
  const update: typeof client.update = async (...request) => {
    const { ms } = slow
    slow.ms = 0
    if (ms > 0) await clock.sleep(ms)
    return client.update(...request)
  }
  const candidate = (identity: string) => {
    const stop = new AbortController()
    const lead = async (signal: AbortSignal) => {
      log.push(`${identity} leads`)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      log.push(`${identity} stops`)
    }
    const options = {
      client: { ...client, update },
      clock,
      logger: silentLogger,
      name: 'kube-scheduler',
      identity,
      random: () => 0,
    }
    return { stop, finished: runWithLeaderElection(options, lead, stop.signal) }
  }
  return { client, clock, log, slow, candidate }
}

test('one leads; when it gives the lease back the other takes over at once', async () => {
  const { clock, log, candidate } = make()
  const a = candidate('a')
  await clock.advance(100)
  const b = candidate('b')
  await clock.advance(60_000)
  expect(log).toEqual(['a leads'])
  a.stop.abort()
  await a.finished
  await clock.advance(2_500)
  expect(log).toEqual(['a leads', 'a stops', 'b leads'])
  b.stop.abort()
  await b.finished
})

test('a leader that was killed and is started under its name goes on at once', async () => {
  const { client, clock, log, candidate } = make()
  void candidate('a')
  await clock.advance(100)
  const again = candidate('a')
  const other = candidate('b')
  await clock.advance(100)
  expect(log).toEqual(['a leads', 'a leads'])
  expect((await client.get('Lease', { namespace: 'kube-system', name: 'kube-scheduler' })).spec.leaseTransitions).toBe(0)
  again.stop.abort()
  other.stop.abort()
  await other.finished
})

test('the time to renew counts from the question: an answer that takes nine seconds is in time, one of eleven is not', async () => {
  const { clock, log, slow, candidate } = make()
  const a = candidate('a')
  await clock.advance(100)
  slow.ms = 9_000
  await clock.advance(60_000)
  expect(log).toEqual(['a leads'])
  slow.ms = 11_000
  const lost = expect(a.finished).rejects.toThrow(LeadershipLostError)
  await clock.advance(60_000)
  await lost
  expect(log).toEqual(['a leads', 'a stops'])
})

test('a leader that cannot renew stops before another may start', async () => {
  const { client, clock, log, candidate } = make()
  const a = candidate('a')
  const lost = expect(a.finished).rejects.toThrow(LeadershipLostError)
  await clock.advance(5000)
  const b = candidate('b')
  client.failWith(({ verb, body }) =>
    verb === 'update' && JSON.stringify(body).includes('"holderIdentity":"a"') ? serviceUnavailable('cut off') : undefined,
  )
  await clock.advance(60_000)
  await lost
  expect(log).toEqual(['a leads', 'a stops', 'b leads'])
  b.stop.abort()
  await b.finished
})
