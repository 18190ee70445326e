/** The scheduler's metrics under upstream's names. */
import { exponentialBuckets, type Metrics } from '../component/metrics.ts'
import type { SchedulingQueue } from './queue.ts'

export interface SchedulerMetrics {
  attempted(result: 'scheduled' | 'unschedulable' | 'error', profile: string, ms: number): void
  /** A pod has its node: after how many attempts, and how long after it came. */
  scheduled(attempts: number, ms: number): void
  preempted(victims: number): void
  pending(sizes: ReturnType<SchedulingQueue['sizes']>): void
}

export function createSchedulerMetrics(metrics: Metrics): SchedulerMetrics {
  const labels = ['result', 'profile'] as const
  const attempts = metrics.counter(
    'scheduler_schedule_attempts_total',
    'Number of attempts to schedule pods, by the result.',
    labels,
  )
  const seconds = exponentialBuckets(0.0001, 2, 18)
  const duration = metrics.histogram(
    'scheduler_scheduling_attempt_duration_seconds',
    'Scheduling attempt latency in seconds',
    seconds,
    labels,
  )
  const tries = metrics.histogram(
    'scheduler_pod_scheduling_attempts',
    'Number of attempts to successfully schedule a pod.',
    exponentialBuckets(1, 2, 5),
  )
  const sli = metrics.histogram(
    'scheduler_pod_scheduling_sli_duration_seconds',
    'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.',
    exponentialBuckets(0.001, 2, 20),
  )
  const pending = metrics.gauge('scheduler_pending_pods', 'Number of pending pods, by the queue type.', ['queue'])
  const victims = metrics.histogram(
    'scheduler_preemption_victims',
    'Number of selected preemption victims',
    exponentialBuckets(1, 2, 7),
  )
  const preemptions = metrics.counter('scheduler_preemption_attempts_total', 'Total preemption attempts in the cluster till now')
  return {
    attempted(result, profile, ms) {
      attempts.inc({ result, profile })
      duration.observe({ result, profile }, ms / 1000)
    },
    scheduled(count, ms) {
      tries.observe(count)
      sli.observe(ms / 1000)
    },
    preempted(count) {
      preemptions.inc()
      victims.observe(count)
    },
    pending(sizes) {
      for (const [queue, size] of Object.entries(sizes)) pending.set({ queue }, size)
    },
  }
}
