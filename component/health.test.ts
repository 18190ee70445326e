import { expect, test } from 'vitest'
import { createHealth, ping } from './health.ts'

const health = createHealth([ping, { name: 'etcd', check: () => 'no leader', on: ['readyz'] }])

test.each([
  ['livez' as const, {}, 200, 'ok'],
  ['livez' as const, { verbose: true }, 200, '[+]ping ok\nlivez check passed\n'],
  ['readyz' as const, {}, 500, '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n'],
  ['readyz' as const, { exclude: ['etcd'], verbose: true }, 200, '[+]ping ok\n[+]etcd excluded: ok\nreadyz check passed\n'],
  ['readyz' as const, { only: 'ping' }, 200, 'ok'],
  ['livez' as const, { only: 'etcd' }, 404, '404 page not found\n'],
])('/%s with %j', async (endpoint, options, status, body) => {
  expect(await health.answer(endpoint, options)).toEqual({ status, body })
})
