/** Keeps the kernel's rules for one address family as services and slices ask: collects changes, computes, writes, repairs. */
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { computeBackoff } from '../component/backoff.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import type { Backend } from './backends/backend.ts'
import { computeRules } from './compute-rules.ts'
import type { NodePortAddresses } from './local-addresses.ts'
import { createMeasures } from './measures.ts'
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
  setNodePortAddresses(addresses: NodePortAddresses): void
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
  const current = new Map<string, readonly ServicePort[]>()
  const touched = new Set<string>()
  const staleFlows: StaleFlow[] = []
  /** Changes that no write has carried out yet. */
  const triggers: Date[] = []
  const measure = createMeasures(options.metrics, family, backend)
  let node = options.node
  let started = false
  let stopped = false
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
    const rules = computeRules(ports, node)
    backend.set(key, rules)
    measure.computed(key, rules)
  }

  const write = async () => {
    const carriedOut = triggers.splice(0)
    const end = measure.started()
    for (const key of touched) recompute(key)
    touched.clear()
    const written = await backend.write()
    // After the rules: before, a client could bring the old flow back.
    const flows = staleFlows.splice(0)
    if (flows.length > 0) await forgetFlows(flows)
    lastSynced = clock.now()
    end(written, lastSynced)
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
      backend.forget()
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
      backend.setNodePortAddresses(addresses)
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
