import { expect, test } from 'vitest'
import type { V2MetricSpec } from '../../../api/generated/types.ts'
import { unknownPath } from '../../../api/status.ts'
import { createMetricsReader } from './read-metrics.ts'

test.each<[string, V2MetricSpec, string]>([
  [
    'resource metrics',
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } },
    'unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: ' +
      'the server could not find the requested resource (get pods.metrics.k8s.io)',
  ],
  [
    'custom metrics',
    { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue' } } },
    'unable to get metric hits: unable to fetch metrics from custom metrics API: ' +
      'no custom metrics API (custom.metrics.k8s.io) registered',
  ],
  [
    'external metrics',
    { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value' } } },
    'unable to get external metric shop/queue/nil: unable to fetch metrics from external metrics API: ' +
      'the server could not find the requested resource (get queue.external.metrics.k8s.io)',
  ],
])('where nobody serves %s the autoscaler hears which API is missing', async (_, metric, error) => {
  const nobody = { raw: () => Promise.reject(unknownPath()) }
  const reader = createMetricsReader(nobody, () => Promise.resolve('deployments.apps'))
  expect(await reader.read(metric, 'shop', 'app=web')).toEqual({ error })
})
