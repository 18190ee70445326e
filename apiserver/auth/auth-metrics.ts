/** Counts who gets in and who may, under upstream's metric names: a few bound counters and histograms, nothing made a request. */
import { createCounterSeries, createHistogramSeries } from '../../component/metric-series.ts'
import { exponentialBuckets, type Metrics } from '../../component/metrics.ts'
import type { PeerCertificate, UserInfo } from './user.ts'

export type AuthenticationResult = 'success' | 'failure' | 'error'

export interface AuthMetrics {
  authenticated(user: UserInfo, certificate: PeerCertificate | undefined, milliseconds: number): void
  /** Upstream tells refused credentials (`error`) from none at all (`failure`). */
  refused(result: Exclude<AuthenticationResult, 'success'>, milliseconds: number): void
  authorized(allowed: boolean, milliseconds: number): void
}

const BUCKETS = exponentialBuckets(0.001, 2, 15)
/** Upstream's, in seconds: from expired over a day and a week to two years. */
const EXPIRATION_BUCKETS = [
  0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000,
]

export function createAuthMetrics(metrics: Metrics, now: () => Date): AuthMetrics {
  const { registry } = metrics
  const attempts = createCounterSeries(registry, 'authentication_attempts', 'Counter of authenticated attempts.')
  const duration = createHistogramSeries(
    registry,
    'authentication_duration_seconds',
    'Authentication duration in seconds broken out by result.',
    BUCKETS,
  )
  const users = createCounterSeries(
    registry,
    'authenticated_user_requests',
    'Counter of authenticated requests broken out by username.',
  )
  const decisions = createCounterSeries(
    registry,
    'authorization_attempts_total',
    'Counter of authorization attempts broken down by result.',
  )
  const deciding = createHistogramSeries(
    registry,
    'authorization_duration_seconds',
    'Authorization duration in seconds broken out by result.',
    BUCKETS,
  )
  const expiration = createHistogramSeries(
    registry,
    'apiserver_client_certificate_expiration_seconds',
    'Distribution of the remaining lifetime on the certificate used to authenticate a request.',
    EXPIRATION_BUCKETS,
  )({})
  const pair = (result: string) => ({ count: attempts({ result }), time: duration({ result }) })
  const results = { success: pair('success'), failure: pair('failure'), error: pair('error') }
  const decided = (result: string) => ({ count: decisions({ result }), time: deciding({ result }) })
  // Nobody denies but by saying nothing: upstream's word for it is no-opinion.
  const verdicts = { allowed: decided('allowed'), refused: decided('no-opinion') }
  const kinds = new Map(
    ['admin', 'client', 'kube_proxy', 'kubelet', 'other', 'system:serviceaccount:kube-system:default'].map((username) => [
      username,
      users({ username }),
    ]),
  )

  const noteAttempt = (result: AuthenticationResult, milliseconds: number) => {
    results[result].count.inc()
    results[result].time.observe(milliseconds / 1000)
  }
  return {
    authenticated(user, certificate, milliseconds) {
      noteAttempt('success', milliseconds)
      ;(kinds.get(user.username) ?? kinds.get('other')!).inc()
      if (certificate?.validTo && certificate.commonName === user.username)
        expiration.observe((certificate.validTo.getTime() - now().getTime()) / 1000)
    },
    refused: noteAttempt,
    authorized(allowed, milliseconds) {
      const { count, time } = allowed ? verdicts.allowed : verdicts.refused
      count.inc()
      time.observe(milliseconds / 1000)
    },
  }
}

/** Uses of service-account tokens, by what is to be said of them. */
export function countTokens(metrics: Metrics): (kind: 'legacy' | 'stale' | 'valid') => void {
  const counters = {
    legacy: metrics.counter('serviceaccount_legacy_tokens_total', 'Cumulative legacy service account tokens used'),
    stale: metrics.counter('serviceaccount_stale_tokens_total', 'Cumulative stale projected service account tokens used'),
    valid: metrics.counter('serviceaccount_valid_tokens_total', 'Cumulative valid projected service account tokens used'),
  }
  return (kind) => counters[kind].inc()
}
