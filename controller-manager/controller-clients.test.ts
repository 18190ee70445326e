import { expect, test } from 'vitest'
import { accountOf } from './controller-clients.ts'

// Upstream's default roles are bound to these: under another name a controller may do nothing.
test.each([
  ['deployment-controller', 'deployment-controller'],
  ['endpoints-controller', 'endpoint-controller'],
  ['endpointslice-controller', 'endpointslice-controller'],
  ['endpointslice-mirroring-controller', 'endpointslicemirroring-controller'],
])('%s acts as %s', (controller, account) => {
  expect(accountOf(controller)).toBe(account)
})
