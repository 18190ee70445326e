/**
 * What a process uses, under the names every Prometheus client gives it, read when somebody asks and never between.
 *
 * prom-client's own collection also samples the delay of the event loop, with a timer every 10 ms: in a lab of a dozen idle
 * processes that is most of what they cost.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Counter, Gauge, type Registry } from 'prom-client'

export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })

  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  gauge(
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => performance.timeOrigin / 1000,
  )
  gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss())
  gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', () => fromProc('status', /^VmSize:\s+(\d+) kB/m) * 1024)
  gauge('process_open_fds', 'Number of open file descriptors.', () => readdirSync('/proc/self/fd').length)
  gauge('process_max_fds', 'Maximum number of open file descriptors.', () => fromProc('limits', /^Max open files\s+(\d+)/m))
  gauge('nodejs_heap_size_used_bytes', 'Bytes of the heap in use.', () => process.memoryUsage().heapUsed)
  gauge('nodejs_heap_size_total_bytes', 'Bytes of the heap.', () => process.memoryUsage().heapTotal)
  gauge('nodejs_external_memory_bytes', 'Bytes outside the heap that objects in it hold.', () => process.memoryUsage().external)
}

const fromProc = (file: string, number: RegExp): number => Number(number.exec(readFileSync(`/proc/self/${file}`, 'utf8'))?.[1])
