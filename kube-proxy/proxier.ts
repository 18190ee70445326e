/** Keeps the kernel's rules for one address family as services and slices ask: collects changes, computes, writes, repairs. */
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import { computeBackoff } from '../component/backoff.ts'
import type { Backend } from './backends/iptables.ts'
import { computeRules } from './compute-rules.ts'
import { createRuleBook } from './rule-book.ts'
import { servicePortsOf, type Family, type NodeView, type ServicePort } from './service-ports.ts'
import { computeStaleFlows, type StaleFlow } from './stale-flows.ts'

export interface ProxierOptions {
  family: Family
  backend: Backend
  node: NodeView
  /** What the cache holds now: a service by its key, and its slices. */
  serviceOf: (key: string) => Service | undefined
  slicesOf: (key: string) => readonly EndpointSlice[]
  forgetFlows: (flows: readonly StaleFlow[]) => Promise<void>
  clock: Clock
  logger: Logger
  metrics: Metrics
}

export interface Proxier {
  /** The service or its slices changed; `since`: when that which the slices tell of happened, where they say so. */
  touch(key: string, change?: { of: 'service' | 'endpoints'; since?: Date | undefined }): void
  setNode(node: NodeView): void
  setNodePortAddresses(addresses: readonly string[]): void
  /** Everything there was at the start has been told: writing begins. */
  start(keys: Iterable<string>): void
  /** Resolves when nothing waits to be written; rejects never. */
  settled(): Promise<void>
  /** When rules were last known to be as they should, and since when something waits. */
  status(): { lastSynced: Date | undefined; waitingSince: Date | undefined }
  servicePorts(): ReadonlyMap<string, readonly ServicePort[]>
  stop(): Promise<void>
}

/** As upstream's canary: how often to look whether someone flushed the tables. */
const repairMs = 30_000
const retry = { initialMs: 200, maxMs: 30_000, jitter: 0.2 }

export function createProxier(options: ProxierOptions): Proxier {
  const { family, backend, clock, logger, forgetFlows } = options
  const book = createRuleBook(family)
  const current = new Map<string, readonly ServicePort[]>()
  const touched = new Set<string>()
  const staleFlows: StaleFlow[] = []
  /** Changes that no write has carried out yet. */
  const triggers: Date[] = []
  const measure = createMeasures(options.metrics, family)
  let node = options.node
  let started = false
  let stopped = false
  let fresh = true
  let failures = 0
  /** Counts what was asked for, so that a request during a write is not taken for done with it. */
  let requests = 0
  let lastSynced: Date | undefined
  let waitingSince: Date | undefined
  let running: Promise<void> | undefined
  let cancelRepair = () => {}
  let cancelRetry = () => {}

  const recompute = (key: string) => {
    const service = options.serviceOf(key)
    const ports = service ? servicePortsOf(service, options.slicesOf(key), node, family) : []
    staleFlows.push(...computeStaleFlows(current.get(key) ?? [], ports))
    if (ports.length > 0) current.set(key, ports)
    else current.delete(key)
    book.set(key, ports.length > 0 ? computeRules(ports, node) : null)
  }

  const writeAll = async () => {
    const leftovers = new Set(await backend.serviceChains())
    const changes = book.changes()
    for (const chain of book.chains().keys()) leftovers.delete(chain)
    await backend.apply({ written: changes.written, removed: [...new Set([...changes.removed, ...leftovers])] })
    await backend.link()
    book.written(changes)
    fresh = false
  }
  const write = async () => {
    const end = measure.started()
    const carriedOut = triggers.splice(0)
    for (const key of touched) recompute(key)
    touched.clear()
    const changes = book.changes()
    if (fresh) await writeAll()
    else {
      await backend.apply(changes)
      book.written(changes)
    }
    // After the rules: before, a client could bring the old flow back.
    const flows = staleFlows.splice(0)
    if (flows.length > 0) await forgetFlows(flows)
    lastSynced = clock.now()
    end(changes.written.size + changes.removed.length)
    for (const since of carriedOut) measure.programmed(lastSynced.getTime() - since.getTime())
  }

  const loop = async () => {
    while (!stopped && waitingSince) {
      const seen = requests
      try {
        await write()
        failures = 0
        if (requests === seen) waitingSince = undefined
      } catch (error) {
        failures++
        measure.failed()
        // The kernel may hold anything now: start over.
        fresh = true
        book.forget()
        const waitMs = computeBackoff(retry, failures, Math.random())
        logger.error('cannot write rules, trying again', {
          family,
          error: error instanceof Error ? error.message : String(error),
          waitMs: Math.round(waitMs),
        })
        cancelRetry = clock.setTimeout(kick, waitMs)
        return
      }
    }
  }
  const kick = () => {
    if (!started || stopped || running) return
    cancelRetry()
    // Events come in bursts: those of the same turn are written together.
    running = Promise.resolve()
      .then(() => new Promise<void>((resolve) => setImmediate(resolve)))
      .then(loop)
      .finally(() => (running = undefined))
  }
  const wait = () => {
    requests++
    waitingSince ??= clock.now()
    measure.queued(clock.now())
    if (failures === 0) kick()
  }
  const repairLater = () => {
    cancelRepair = clock.setTimeout(() => {
      repair()
        .catch((error: unknown) => logger.warn('cannot check the rules', { family, error: String(error) }))
        .finally(() => {
          if (!stopped) repairLater()
        })
    }, repairMs)
  }
  const repair = async () => {
    if (running) return
    if (await backend.isIntact()) lastSynced = waitingSince ? lastSynced : clock.now()
    else {
      logger.warn('the rules were flushed, writing them again', { family })
      fresh = true
      book.forget()
      wait()
    }
  }

  return {
    touch(key, change) {
      touched.add(key)
      if (change) measure.changed(change.of)
      // A server that answers nothing for long must not make this grow without end.
      if (change?.since && triggers.length < 10_000) triggers.push(change.since)
      wait()
    },
    setNode(next) {
      node = next
      for (const key of current.keys()) touched.add(key)
      wait()
    },
    setNodePortAddresses(addresses) {
      book.setNodePortAddresses(addresses)
      wait()
    },
    start(keys) {
      for (const key of keys) touched.add(key)
      started = true
      wait()
      repairLater()
    },
    async settled() {
      while (running) await running
    },
    status: () => ({ lastSynced, waitingSince }),
    servicePorts: () => current,
    async stop() {
      stopped = true
      cancelRepair()
      cancelRetry()
      await running
    },
  }
}

function createMeasures(metrics: Metrics, family: Family) {
  const labels = { ip_family: family }
  const seconds = metrics.histogram(
    'kubeproxy_sync_proxy_rules_duration_seconds',
    'SyncProxyRules latency in seconds',
    [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    ['ip_family'],
  )
  const failures = metrics.counter(
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
    'Cumulative proxy iptables restore failures',
    ['ip_family'],
  )
  const last = metrics.gauge(
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    'The last time proxy rules were successfully synced',
    ['ip_family'],
  )
  const chains = metrics.counter('kubelab_proxy_chains_written_total', 'Chains written or removed', ['ip_family'])
  const queued = metrics.gauge(
    'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
    'The last time a sync of proxy rules was queued',
    ['ip_family'],
  )
  const changes = {
    service: metrics.counter('kubeproxy_sync_proxy_rules_service_changes_total', 'Cumulative proxy rules Service changes', [
      'ip_family',
    ]),
    endpoints: metrics.counter('kubeproxy_sync_proxy_rules_endpoint_changes_total', 'Cumulative proxy rules Endpoint changes', [
      'ip_family',
    ]),
  }
  const programming = metrics.histogram(
    'kubeproxy_network_programming_duration_seconds',
    'In Cluster Network Programming Latency in seconds',
    [0.03, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300],
    ['ip_family'],
  )
  return {
    queued: (at: Date) => queued.set(labels, at.getTime() / 1000),
    changed: (of: 'service' | 'endpoints') => changes[of].inc(labels, 1),
    programmed: (ms: number) => programming.observe(labels, Math.max(0, ms) / 1000),
    started() {
      const start = performance.now()
      return (count: number) => {
        seconds.observe(labels, (performance.now() - start) / 1000)
        last.set(labels, Date.now() / 1000)
        chains.inc(labels, count)
      }
    },
    failed: () => failures.inc(labels),
  }
}
