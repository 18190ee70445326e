import { expect, test } from 'vitest'
import { readFlags } from './flags.ts'

const REQUIRED = [
  'client-ca-file',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'etcd-servers',
  'service-account-issuer',
  'service-account-signing-key-file',
  'tls-cert-file',
  'tls-private-key-file',
].map((name) => `--${name}=x`)

const NO_LIMITS = ['--max-requests-inflight=0', '--max-mutating-requests-inflight=0']

test('priority levels must have seats to share; plain limits may be none', () => {
  expect(() => readFlags([...REQUIRED, ...NO_LIMITS])).toThrow(
    'invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive',
  )
  const flags = readFlags([...REQUIRED, ...NO_LIMITS, '--enable-priority-and-fairness=false'])
  expect(flags['max-requests-inflight']).toBe(0)
})
