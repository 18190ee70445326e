/** Counts and times every request under upstream's metric names, at the price of two map look-ups. */
import { Counter, Histogram } from 'prom-client'
import type { Metrics } from '../../component/metrics.ts'
import type { RequestInfo } from './request-info.ts'

export interface RequestMetrics {
  observe(info: RequestInfo, code: number, milliseconds: number): void
}

/** Upstream's buckets, in seconds. */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60]

const labelNames = ['verb', 'group', 'version', 'resource', 'subresource'] as const

export function createRequestMetrics({ registry }: Metrics): RequestMetrics {
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, group, version, resource, subresource and HTTP response code.',
    labelNames: [...labelNames, 'code'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, group, version, resource and subresource.',
    labelNames,
    buckets: BUCKETS,
    registers: [registry],
  })
  // prom-client hashes a label object on each use: children bound once are several times as fast.
  const children = new Map<string, { count: Counter.Internal; time: Histogram.Internal<(typeof labelNames)[number]> }>()
  return {
    observe({ verb, group, version, resource, subresource }, code, milliseconds) {
      const key = `${verb} ${group} ${version} ${resource} ${subresource} ${code}`
      let child = children.get(key)
      if (!child) {
        // Anybody can make up resource names: what is not served shares one series.
        const labels =
          code === 404 && resource
            ? { verb, group: '', version: '', resource: 'unknown', subresource: '' }
            : { verb: verb.toUpperCase(), group, version, resource, subresource }
        child = { count: total.labels({ ...labels, code: String(code) }), time: duration.labels(labels) }
        if (children.size < 5000) children.set(key, child)
      }
      child.count.inc()
      if (verb !== 'watch') child.time.observe(milliseconds / 1000)
    },
  }
}
