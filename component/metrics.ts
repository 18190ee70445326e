/** Prometheus metrics under upstream's names: one registry a process, made once, asked for by whoever counts. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { registerProcessMetrics } from './process-metrics.ts'

export interface Metrics {
  registry: Registry
  /** Asking again for the same name answers the same metric. */
  counter<L extends string>(name: string, help: string, labelNames?: readonly L[]): Counter<L>
  gauge<L extends string>(name: string, help: string, labelNames?: readonly L[]): Gauge<L>
  histogram<L extends string>(name: string, help: string, buckets: number[], labelNames?: readonly L[]): Histogram<L>
  /** The text format that Prometheus scrapes. */
  render(): Promise<string>
  contentType: string
}

export function createMetrics({ processMetrics = true }: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (processMetrics) registerProcessMetrics(registry)
  return {
    registry,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    counter: (name, help, labelNames = []) =>
      (registry.getSingleMetric(name) as Counter<never> | undefined) ??
      new Counter({ name, help, labelNames, registers: [registry] }),
    gauge: (name, help, labelNames = []) =>
      (registry.getSingleMetric(name) as Gauge<never> | undefined) ??
      new Gauge({ name, help, labelNames, registers: [registry] }),
    histogram: (name, help, buckets, labelNames = []) =>
      (registry.getSingleMetric(name) as Histogram<never> | undefined) ??
      new Histogram({ name, help, labelNames, buckets, registers: [registry] }),
  }
}

/** `count` bounds, each `factor` times the one before. */
export const exponentialBuckets = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => start * factor ** index)
