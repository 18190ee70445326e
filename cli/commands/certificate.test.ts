import { expect, test } from 'vitest'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import { withCondition } from './certificate.ts'

test('a request is decided once, and not both ways', () => {
  const request = { metadata: { name: 'r' }, spec: {} } as CertificateSigningRequest
  const approve = { verb: 'approve', condition: 'Approved', opposite: 'Denied', done: 'approved' } as const
  const approved = withCondition(request, approve, false)!
  expect(approved.status?.conditions?.[0]).toMatchObject({ type: 'Approved', status: 'True', reason: 'KubectlApprove' })
  expect(withCondition(approved, approve, false)).toBeUndefined()
  const deny = { verb: 'deny', condition: 'Denied', opposite: 'Approved', done: 'denied' } as const
  expect(() => withCondition(approved, deny, false)).toThrow('is already Approved')
})
