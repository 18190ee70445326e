import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { LAST_USED, trackLegacyTokens } from './legacy-token-tracking.ts'

const KEY = { namespace: 'default', name: 'robot-token' }

function start(fails = false) {
  let secret: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { ...KEY, uid: 'u', labels: { mine: 'yes' } } }
  const written: KubeObject[] = []
  const problems: string[] = []
  const time = { now: new Date('2026-05-01T12:00:00Z') }
  const tracking = trackLegacyTokens({
    find: ({ name }) => (name === KEY.name ? secret : undefined),
    store: async (object) => {
      if (fails) throw new Error('etcd is away')
      written.push((secret = object))
    },
    now: () => time.now,
    onProblem: (problem) => problems.push(problem),
  })
  /** What was begun is done when all that was settled has been heard of. */
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return { tracking, written, problems, time, settled }
}

describe('the secret of a token that is used', () => {
  it('is marked once a day, beside its own labels', async () => {
    const { tracking, written, time, settled } = start()
    for (let use = 0; use < 3; use++) tracking.note(KEY)
    await settled()
    tracking.note(KEY)
    await settled()
    expect(written.map(({ metadata }) => metadata.labels)).toEqual([{ mine: 'yes', [LAST_USED]: '2026-05-01' }])
    time.now = new Date('2026-05-02T00:00:00Z')
    tracking.note(KEY)
    await settled()
    expect(written[1]?.metadata.labels?.[LAST_USED]).toBe('2026-05-02')
  })

  it('is let be when it is gone', async () => {
    const { tracking, written, settled } = start()
    tracking.note({ namespace: 'default', name: 'gone' })
    await settled()
    expect(written).toEqual([])
  })

  it('is tried again at the next use when it could not be marked', async () => {
    const { tracking, problems, settled } = start(true)
    tracking.note(KEY)
    await settled()
    tracking.note(KEY)
    await settled()
    expect(problems).toHaveLength(2)
  })
})
