/** Counts and times every request under upstream's metric names, at the price of two map look-ups. */
import {
  createCounterSeries,
  createHistogramSeries,
  type CounterSeries,
  type HistogramSeries,
} from '../../component/metric-series.ts'
import type { Metrics } from '../../component/metrics.ts'
import type { RequestInfo } from './request-info.ts'

export interface RequestMetrics {
  observe(info: RequestInfo, code: number, milliseconds: number): void
}

/** Upstream's buckets, in seconds. */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60]

export function createRequestMetrics({ registry }: Metrics): RequestMetrics {
  const total = createCounterSeries(
    registry,
    'apiserver_request_total',
    'Counter of apiserver requests broken out for each verb, group, version, resource, subresource and HTTP response code.',
  )
  const duration = createHistogramSeries(
    registry,
    'apiserver_request_duration_seconds',
    'Response latency distribution in seconds for each verb, group, version, resource and subresource.',
    BUCKETS,
  )
  const children = new Map<string, { count: CounterSeries; time: HistogramSeries }>()
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
        child = { count: total({ ...labels, code: String(code) }), time: duration(labels) }
        if (children.size < 5000) children.set(key, child)
      }
      child.count.inc()
      if (verb !== 'watch') child.time.observe(milliseconds / 1000)
    },
  }
}
