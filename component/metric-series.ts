/**
 * Counters and histograms for what every request counts: a series is looked up once, and counting in it is an addition.
 *
 * prom-client copies, checks and hashes the labels at each use, of a bound child too: half a microsecond, twenty times a write.
 */
import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client'

export type Labels = Readonly<Record<string, string>>

export interface CounterSeries {
  inc(): void
}

export interface HistogramSeries {
  observe(value: number): void
}

/** Answers the series of some labels, the same one whenever it is asked again. One that nothing was counted in is not shown. */
export type SeriesOf<Series> = (labels: Labels) => Series

export function createCounterSeries(registry: Registry, name: string, help: string): SeriesOf<CounterSeries> {
  return register(registry, { name, help, type: 'counter' }, (labels) => new CountedSeries(labels))
}

/** `buckets` are upper bounds, ascending. */
export function createHistogramSeries(
  registry: Registry,
  name: string,
  help: string,
  buckets: readonly number[],
): SeriesOf<HistogramSeries> {
  return register(registry, { name, help, type: 'histogram' }, (labels) => new ObservedSeries(name, buckets, labels))
}

/** A gauge whose values are looked up when somebody asks for them. */
export function createGaugeReading(
  registry: Registry,
  name: string,
  help: string,
  read: () => { labels: Labels; value: number }[],
): void {
  registerMetric(registry, { name, help, type: 'gauge' }, read)
}

type Value = MetricValueWithName<string>

interface Shown {
  values(): Value[]
}

function register<Series extends Shown>(
  registry: Registry,
  head: { name: string; help: string; type: 'counter' | 'histogram' },
  make: (labels: Labels) => Series,
): SeriesOf<Series> {
  const all = new Map<string, Series>()
  registerMetric(registry, head, () => [...all.values()].flatMap((series) => series.values()))
  return (labels) => {
    const key = JSON.stringify(Object.entries(labels).toSorted())
    let series = all.get(key)
    if (!series) all.set(key, (series = make(labels)))
    return series
  }
}

function registerMetric(registry: Registry, head: { name: string; help: string; type: string }, values: () => Value[]): void {
  // What a registry asks of a metric, which prom-client's types do not tell apart from its own classes.
  const metric = {
    ...head,
    get: (): Promise<Omit<MetricObjectWithValues<Value>, 'type' | 'collect'>> =>
      Promise.resolve({ ...head, aggregator: 'sum', values: values() }),
  }
  registry.registerMetric(metric as unknown as Metric)
}

class CountedSeries implements CounterSeries, Shown {
  private readonly labels: Labels
  private count = 0

  constructor(labels: Labels) {
    this.labels = labels
  }

  inc(): void {
    this.count++
  }

  values(): Value[] {
    return this.count > 0 ? [{ labels: this.labels, value: this.count }] : []
  }
}

class ObservedSeries implements HistogramSeries, Shown {
  private readonly name: string
  private readonly bounds: readonly number[]
  private readonly labels: Labels
  /** Of each bucket alone; the last one is for what is above all bounds. */
  private readonly counts: number[]
  private sum = 0

  constructor(name: string, bounds: readonly number[], labels: Labels) {
    this.name = name
    this.bounds = bounds
    this.labels = labels
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.sum += value
  }

  values(): Value[] {
    let below = 0
    const buckets = this.counts.map((count, index): Value => {
      below += count
      return { metricName: `${this.name}_bucket`, labels: { le: this.bounds[index] ?? '+Inf', ...this.labels }, value: below }
    })
    if (below === 0) return []
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels: this.labels, value: this.sum },
      { metricName: `${this.name}_count`, labels: this.labels, value: below },
    ]
  }
}
