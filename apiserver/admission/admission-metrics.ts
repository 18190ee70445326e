/** Times admission under upstream's metric names: each plugin, each step, and each call of a webhook. */
import { createHistogramSeries, type HistogramSeries } from '../../component/metric-series.ts'
import type { Metrics } from '../../component/metrics.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'

export type AdmissionStep = 'admit' | 'validate'

export interface AdmissionMetrics {
  plugin(name: string, step: AdmissionStep, operation: AdmissionAttributes['operation'], rejected: boolean, ms: number): void
  webhook(call: WebhookCall): void
}

export interface WebhookCall {
  name: string
  step: AdmissionStep
  operation: AdmissionAttributes['operation']
  milliseconds: number
  /** The status code of the refusal, of the webhook itself or for want of its answer; absent when it allowed. */
  rejection?: { code: number; by: 'no_error' | 'calling_webhook_error' } | undefined
  /** It could not be asked, and its failure policy lets that pass. */
  failedOpen?: boolean
}

const labels = ['name', 'operation', 'rejected', 'type'] as const
type Bound = Record<AdmissionStep, Partial<Record<AdmissionAttributes['operation'], HistogramSeries>>>

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

export function createAdmissionMetrics(metrics: Metrics): AdmissionMetrics {
  const plugins = createHistogramSeries(
    metrics.registry,
    'apiserver_admission_controller_admission_duration_seconds',
    'Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    BUCKETS,
  )
  const webhooks = metrics.histogram(
    'apiserver_admission_webhook_admission_duration_seconds',
    'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    [...BUCKETS, 10, 25],
    labels,
  )
  const requests = metrics.counter(
    'apiserver_admission_webhook_request_total',
    'Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation.',
    ['code', ...labels],
  )
  const rejections = metrics.counter(
    'apiserver_admission_webhook_rejection_count',
    'Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation.',
    ['error_type', 'name', 'operation', 'rejection_code', 'type'],
  )
  const opened = metrics.counter(
    'apiserver_admission_webhook_fail_open_count',
    'Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).',
    ['name', 'type'],
  )
  // Plugins run on every write: their series are found once. There are as many as plugins, steps and verbs.
  const bound = new Map<string, Bound>()
  return {
    plugin(name, type, operation, rejected, ms) {
      let ofPlugin = bound.get(name)
      if (!ofPlugin) bound.set(name, (ofPlugin = { admit: {}, validate: {} }))
      const ofStep = ofPlugin[type]
      // Refusals are few; a key made of four strings would cost more than the observation.
      const child = rejected
        ? plugins({ name, operation, rejected: 'true', type })
        : (ofStep[operation] ??= plugins({ name, operation, rejected: 'false', type }))
      child.observe(ms / 1000)
    },
    webhook({ name, step: type, operation, milliseconds, rejection, failedOpen = false }) {
      const rejected = String(rejection !== undefined)
      webhooks.observe({ name, operation, rejected, type }, milliseconds / 1000)
      requests.inc({ code: String(rejection?.code ?? 200), name, operation, rejected, type })
      if (rejection) rejections.inc({ error_type: rejection.by, name, operation, rejection_code: String(rejection.code), type })
      if (failedOpen) opened.inc({ name, type })
    },
  }
}

/** The same plugins, each timed at what it does. */
export const measurePlugins = (plugins: readonly AdmissionPlugin[], metrics: AdmissionMetrics): AdmissionPlugin[] =>
  plugins.map((plugin) => {
    const { admit, validate } = plugin
    return {
      name: plugin.name,
      handles: plugin.handles.bind(plugin),
      ...(admit && { admit: timed(plugin, 'admit', admit, metrics) }),
      ...(validate && { validate: timed(plugin, 'validate', validate, metrics) }),
    }
  })

type Step = NonNullable<AdmissionPlugin[AdmissionStep]>

/** What answers at once stays so: most plugins have nothing to wait for. */
function timed(plugin: AdmissionPlugin, type: AdmissionStep, step: Step, metrics: AdmissionMetrics): Step {
  return (attributes, context) => {
    const started = performance.now()
    const note = (rejected: boolean) =>
      metrics.plugin(plugin.name, type, attributes.operation, rejected, performance.now() - started)
    const failed = (error: unknown): never => {
      note(true)
      throw error
    }
    let done: void | Promise<void>
    try {
      done = step.call(plugin, attributes, context)
    } catch (error) {
      return failed(error)
    }
    return done ? done.then(() => note(false), failed) : note(false)
  }
}
