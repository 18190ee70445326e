import { expect, test } from 'vitest'
import { createCauseLog } from './cause-log.ts'

test('the ring of writes keeps the newest, in order', () => {
  const log = createCauseLog(3)
  for (let revision = 1; revision <= 5; revision++)
    log.record({ actor: 'a', verb: 'create', group: '', resource: 'pods', name: 'p', uid: '', revision })
  expect(log.since(0).map(({ revision }) => revision)).toEqual([3, 4, 5])
  expect(log.since(4).map(({ revision }) => revision)).toEqual([5])
})
