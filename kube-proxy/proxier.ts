/** Keeps the kernel's rules for one address family as services and slices ask: says when to write, and tries again. */
import { messageOf } from '../api/error-message.ts'
import { computeBackoff } from '../component/backoff.ts'
import { endOfTurn } from '../component/coalesce.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import type { NodePortAddresses } from './local-addresses.ts'
import { createMeasures } from './measures.ts'
import { repairRegularly } from './repair.ts'
import type { NodeView, ServicePort } from './service-ports.ts'
import { createServiceRules, type ServiceRulesOptions } from './service-rules.ts'

export interface ProxierOptions extends ServiceRulesOptions {
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

const retry = { initialMs: 200, maxMs: 30_000, jitter: 0.2 }

export function createProxier(options: ProxierOptions): Proxier {
  const { family, backend, clock } = options
  const logger = options.logger.with({ family })
  const measure = createMeasures(options.metrics, family, backend)
  const rules = createServiceRules(options, measure)
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

  function request(): void {
    requests++
    waitingSince ??= clock.now()
    measure.queued(clock.now())
    // After a failure nothing is written before its time, whatever is asked for meanwhile.
    if (failures === 0) begin()
  }

  function begin(): void {
    if (!started || stopped || running) return
    cancelRetry()
    // Events come in bursts: those of the same turn are written together.
    running = endOfTurn()
      .then(writeAll)
      .finally(() => (running = undefined))
  }

  async function writeAll(): Promise<void> {
    while (!stopped && waitingSince) {
      const seen = requests
      try {
        lastSynced = await rules.write()
        failures = 0
        if (requests === seen) waitingSince = undefined
      } catch (error) {
        failures++
        measure.failed()
        const waitMs = computeBackoff(retry, failures, Math.random())
        const message = messageOf(error)
        logger.error('cannot write rules, trying again', { error: message, waitMs: Math.round(waitMs) })
        cancelRetry = clock.setTimeout(begin, waitMs)
        return
      }
    }
  }

  async function repair(): Promise<void> {
    if (running) return
    if (await backend.isIntact()) lastSynced = waitingSince ? lastSynced : clock.now()
    else {
      logger.warn('the rules were flushed, writing them again')
      backend.forget()
      request()
    }
  }

  return {
    touch(key, change) {
      rules.touch(key, change?.since)
      if (change) measure.changed(change.of)
      request()
    },
    setNode(node) {
      rules.setNode(node)
      request()
    },
    setNodePortAddresses(addresses) {
      backend.setNodePortAddresses(addresses)
      request()
    },
    start(keys) {
      for (const key of keys) rules.touch(key)
      started = true
      request()
      cancelRepair = repairRegularly(repair, clock, logger)
    },
    async settled() {
      while (running) await running
    },
    status: () => ({ lastSynced, waitingSince }),
    servicePorts: rules.ports,
    async stop() {
      stopped = true
      cancelRepair()
      cancelRetry()
      await running
    },
  }
}
