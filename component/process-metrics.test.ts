import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { registerProcessMetrics } from './process-metrics.ts'

it('what a process uses is told anew each time it is asked', async () => {
  const registry = new Registry()
  registerProcessMetrics(registry)
  const told = async () =>
    new Map((await registry.getMetricsAsJSON()).map(({ name, values }) => [name, Number(values[0]?.value)]))

  const first = await told()
  for (const [name, value] of first) expect(value, name).toBeGreaterThan(0)
  expect(Math.abs(first.get('process_start_time_seconds')! - (Date.now() / 1000 - process.uptime()))).toBeLessThan(5)

  const second = await told()
  expect([...second.keys()]).toEqual([...first.keys()])
  expect(second.get('process_cpu_seconds_total')).toBeGreaterThan(first.get('process_cpu_seconds_total')!)
})
