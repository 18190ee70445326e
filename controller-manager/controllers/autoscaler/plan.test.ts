import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod, V2HorizontalPodAutoscaler, V2HorizontalPodAutoscalerSpec, V2MetricSpec } from '../../../api/generated/types.ts'
import { nothingYet, remember, type Memory } from './behavior.ts'
import { planScaling, type Observed } from './plan.ts'
import type { Reading } from './replicas.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number) => new Date(start + seconds * 1000)

const cpu: V2MetricSpec = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }
const autoscaler = (spec: Partial<V2HorizontalPodAutoscalerSpec> = {}): V2HorizontalPodAutoscaler => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', namespace: 'default', generation: 1 } as never,
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 10, metrics: [cpu], ...spec },
})
const pod = (index: number, change: Partial<Pod['status']> = {}, request = '100m'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${index}`, namespace: 'default' } as never,
  spec: { containers: [{ name: 'c', resources: { requests: { cpu: request } } }] } as never,
  status: {
    phase: 'Running',
    startTime: at(-3600).toISOString(),
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(-3500).toISOString() }],
    ...change,
  },
})
const perPod = (...milli: number[]): Reading => ({
  perPod: new Map(milli.map((value, index) => [`p${index}`, { milli: value, at: start, windowMs: 30_000 }])),
})
const observed = (
  replicas: number,
  readings: Reading[],
  pods = Array.from({ length: replicas }, (_, index) => pod(index)),
): Observed => ({
  scale: { spec: { replicas }, status: { replicas, selector: 'app=web' } },
  pods,
  readings,
})
const size = (hpa: V2HorizontalPodAutoscaler, view: Observed, memory: Memory = nothingYet) =>
  planScaling(hpa, view, memory, at(0)).status.desiredReplicas
const conditions = (hpa: V2HorizontalPodAutoscaler, view: Observed, memory: Memory = nothingYet) =>
  Object.fromEntries(
    planScaling(hpa, view, memory, at(0)).status.conditions!.map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  )
const value = (type: 'Object' | 'External', target: object): V2MetricSpec =>
  type === 'Object'
    ? { type, object: { metric: { name: 'm' }, describedObject: { kind: 'Service', name: 's' }, target: target as never } }
    : { type, external: { metric: { name: 'm' }, target: target as never } }
const averageOf = (averageValue: string): V2MetricSpec => ({
  type: 'Pods',
  pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue } },
})

describe('the size that a metric asks for', () => {
  it.each<[string, V2MetricSpec, number, Reading, number]>([
    ['is in proportion to utilization', cpu, 2, perPod(100, 100), 4],
    ['is rounded up', cpu, 2, perPod(60, 70), 3],
    ['stays within the tolerance', cpu, 2, perPod(53, 53), 2],
    ['never passes the maximum', cpu, 6, perPod(100, 100, 100, 100, 100, 100), 10],
    ['counts a pod without samples as idle when it would grow', cpu, 2, perPod(70), 2],
    ['follows an average over pods', averageOf('10'), 2, perPod(20_000, 20_000), 4],
    ['follows the value of an object', value('Object', { type: 'Value', value: '10' }), 2, { value: 15_000 }, 3],
    ['follows an external value', value('External', { type: 'Value', value: '10' }), 2, { value: 20_000 }, 4],
    ['shares an external value', value('External', { type: 'AverageValue', averageValue: '10' }), 1, { value: 35_000 }, 4],
  ])('%s', (_, metric, replicas, reading, expected) => {
    expect(size(autoscaler({ metrics: [metric] }), observed(replicas, [reading]))).toBe(expected)
  })

  it('is the largest of all metrics', () => {
    const hpa = autoscaler({ metrics: [cpu, averageOf('10')] })
    expect(size(hpa, observed(2, [perPod(50, 50), perPod(20_000, 20_000)]))).toBe(4)
  })

  it('takes no account of the processor time that a start takes', () => {
    const warming = pod(1, {
      startTime: at(-30).toISOString(),
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at(-30).toISOString() }],
    })
    expect(size(autoscaler(), observed(2, [perPod(60, 1000)], [pod(0), warming]))).toBe(2)
  })

  it('may have a tolerance of its own for each direction', () => {
    const behavior = { scaleUp: { tolerance: '0' }, scaleDown: { tolerance: '500m', stabilizationWindowSeconds: 0 } }
    expect(size(autoscaler({ behavior }), observed(2, [perPod(53, 53)]))).toBe(3)
    expect(size(autoscaler({ behavior }), observed(4, [perPod(26, 26, 26, 26)]))).toBe(4)
    expect(size(autoscaler({ behavior }), observed(4, [perPod(20, 20, 20, 20)]))).toBe(2)
  })
})

describe('what it says', () => {
  it.each<[string, Observed, Record<string, string>]>([
    [
      'all is well',
      observed(2, [perPod(50, 50)]),
      {
        AbleToScale: 'True ReadyForNewScale',
        ScalingActive: 'True ValidMetricFound',
        ScalingLimited: 'False DesiredWithinRange',
      },
    ],
    [
      'no metric can be had',
      observed(2, [{ error: 'none' }]),
      { AbleToScale: 'True SucceededGetScale', ScalingActive: 'False FailedGetResourceMetric' },
    ],
    ['the target is not there', { scale: { error: 'gone' }, pods: [], readings: [] }, { AbleToScale: 'False FailedGetScale' }],
    ['it is switched off', observed(0, []), { AbleToScale: 'True SucceededGetScale', ScalingActive: 'False ScalingDisabled' }],
    [
      'it grows as fast as it may',
      observed(2, [perPod(400, 400)]),
      { AbleToScale: 'True ReadyForNewScale', ScalingActive: 'True ValidMetricFound', ScalingLimited: 'True ScaleUpLimit' },
    ],
    [
      'it waits before it shrinks',
      observed(4, [perPod(5, 5, 5, 5)]),
      {
        AbleToScale: 'True ScaleDownStabilized',
        ScalingActive: 'True ValidMetricFound',
        ScalingLimited: 'False DesiredWithinRange',
      },
    ],
  ])('when %s', (_, view, expected) => {
    expect(conditions(autoscaler(), view)).toEqual(expected)
  })

  it('names the first problem and how many there are', () => {
    const { events, rescale } = planScaling(autoscaler(), observed(2, [{ error: 'no API' }]), nothingYet, at(0))
    expect(rescale).toBeNull()
    expect(events).toMatchObject([
      { reason: 'FailedGetResourceMetric', message: 'failed to get cpu utilization: no API' },
      {
        reason: 'FailedComputeMetricsReplicas',
        message:
          'invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: no API',
      },
    ])
  })

  it('takes nothing away while one of its metrics is missing, but may grow', () => {
    const hpa = autoscaler({ metrics: [cpu, averageOf('10')], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } })
    expect(size(hpa, observed(2, [perPod(5, 5), { error: 'none' }]))).toBe(2)
    expect(size(hpa, observed(2, [perPod(100, 100), { error: 'none' }]))).toBe(4)
  })

  it('brings the target back within its bounds without asking any metric', () => {
    expect(planScaling(autoscaler(), observed(12, []), nothingYet, at(0)).rescale).toEqual({
      from: 12,
      to: 10,
      reason: 'Current number of replicas above Spec.MaxReplicas',
    })
    expect(planScaling(autoscaler({ minReplicas: 3 }), observed(2, []), nothingYet, at(0)).rescale?.to).toBe(3)
  })
})

/** Looks every 15 s at what `usage` says all pods together use, and does what is decided. */
function simulate(
  hpa: V2HorizontalPodAutoscaler,
  replicas: number,
  seconds: number,
  usage: (second: number) => number,
): number[] {
  let memory = nothingYet
  const sizes: number[] = []
  for (let second = 0; second <= seconds; second += 15) {
    const each = Math.round(usage(second) / replicas)
    const plan = planScaling(
      hpa,
      observed(replicas, [perPod(...Array.from({ length: replicas }, () => each))]),
      memory,
      at(second),
    )
    const to = plan.rescale?.to ?? replicas
    memory = remember(plan.memory, hpa.spec, replicas, to, at(second))
    replicas = to
    sizes.push(replicas)
  }
  return sizes
}

describe('over time', () => {
  it('shrinks only when nothing higher was wanted for five minutes', () => {
    const sizes = simulate(autoscaler(), 4, 600, (second) => (second < 60 ? 200 : 40))
    expect(sizes[(60 + 240) / 15]).toBe(4)
    expect(sizes.at(-1)).toBe(1)
  })

  it('grows and shrinks at the rates of its behavior', () => {
    const behavior = {
      scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] },
    }
    const up = simulate(autoscaler({ behavior }), 1, 120, () => 500)
    expect(up).toEqual([2, 2, 2, 2, 3, 3, 3, 3, 4])
    const down = simulate(autoscaler({ behavior }), 8, 60, () => 10)
    expect(down).toEqual([4, 4, 4, 4, 2])
  })

  it('never shrinks when that is disabled', () => {
    const behavior = { scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0 } }
    expect(simulate(autoscaler({ behavior }), 4, 600, () => 10).at(-1)).toBe(4)
  })

  it('with a steady load settles, within its bounds at every step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 2000 }), fc.boolean(), (replicas, load, quick) => {
        const hpa = autoscaler(quick ? { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } : {})
        const sizes = simulate(hpa, replicas, 1200, () => load)
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
        expect(new Set(sizes.slice(-10)).size).toBe(1)
      }),
      { numRuns: 60 },
    )
  })
})
