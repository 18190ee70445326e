import { expect, test } from 'vitest'
import type { CoreEvent } from '../../api/generated/types.ts'
import { rowOf } from './event-rows.ts'

test('events say how often and since when', () => {
  const now = new Date('2026-01-01T01:00:00Z')
  const event = {
    metadata: { namespace: 'n' },
    involvedObject: { kind: 'Pod', name: 'web' },
    type: 'Normal',
    reason: 'Pulled',
    message: 'done\n',
    count: 3,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:55:00Z',
  } as unknown as CoreEvent
  expect(rowOf(event, now, true)).toEqual(['n', '5m (x3 over 60m)', 'Normal', 'Pulled', 'Pod/web', 'done'])
})
