/** Series must read as prom-client's own do: a scraper cannot tell who counted. */
import { Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createCounterSeries, createHistogramSeries } from './metric-series.ts'

const linesOf = async (registry: Registry) => (await registry.metrics()).trim().split('\n')

test('a histogram of series reads as one of prom-client', async () => {
  const [theirs, ours] = [new Registry(), new Registry()]
  const buckets = [0.1, 0.5, 1]
  const histogram = new Histogram({ name: 'took', help: 'Time.', buckets, labelNames: ['verb', 'code'], registers: [theirs] })
  const seriesOf = createHistogramSeries(ours, 'took', 'Time.', buckets)
  for (const [verb, value] of [
    ['get', 0.1],
    ['get', 0.3],
    ['list', 7],
    ['get', 0.05],
  ] as const) {
    histogram.observe({ verb, code: '200' }, value)
    seriesOf({ code: '200', verb }).observe(value)
  }
  // The order of labels means nothing.
  const sorted = (lines: string[]) =>
    lines.map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').toSorted().join()))
  expect(sorted(await linesOf(ours))).toEqual(sorted(await linesOf(theirs)))
})

test('a counter of series reads as one of prom-client', async () => {
  const [theirs, ours] = [new Registry(), new Registry()]
  const counter = new Counter({ name: 'asked', help: 'Requests.', labelNames: ['verb'], registers: [theirs] })
  const seriesOf = createCounterSeries(ours, 'asked', 'Requests.')
  for (const verb of ['get', 'list', 'get']) {
    counter.inc({ verb })
    seriesOf({ verb }).inc()
  }
  expect(await linesOf(ours)).toEqual(await linesOf(theirs))
})

test('a series that nothing was counted in is not shown', async () => {
  const registry = new Registry()
  createCounterSeries(registry, 'asked', 'Requests.')({ verb: 'get' })
  createHistogramSeries(registry, 'took', 'Time.', [1])({ verb: 'get' })
  expect((await linesOf(registry)).filter((line) => !line.startsWith('#') && line !== '')).toEqual([])
})
