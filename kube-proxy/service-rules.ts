/** The rules of all services for one address family: computed again for the services that were touched, written together. */
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import type { Clock } from '../component/clock.ts'
import type { Backend } from './backends/backend.ts'
import { computeRules } from './compute-rules.ts'
import type { Measures } from './measures.ts'
import { type Family, type NodeView, type ServicePort, servicePortsOf } from './service-ports.ts'
import { computeStaleFlows, type StaleFlow } from './stale-flows.ts'

export interface ServiceRulesOptions {
  family: Family
  backend: Backend
  node: NodeView
  /** What the cache holds now: a service by its key, and its slices. */
  serviceOf: (key: string) => Service | undefined
  slicesOf: (key: string) => readonly EndpointSlice[]
  forgetFlows: (flows: readonly StaleFlow[]) => Promise<void>
  clock: Clock
}

export interface ServiceRules {
  /** The next write looks at this service; `since`: when that happened which it is to carry out. */
  touch(key: string, since?: Date): void
  /** The next write looks at all services. */
  setNode(node: NodeView): void
  /** Answers when the rules were as they should. What a failed write has left, the next one writes. */
  write(): Promise<Date>
  /** By the service's key, as of the last write. */
  ports(): ReadonlyMap<string, readonly ServicePort[]>
}

/** A server that answers nothing for long must not make this grow without end. */
const mostTriggers = 10_000

export function createServiceRules(options: ServiceRulesOptions, measure: Measures): ServiceRules {
  const { family, backend, clock, forgetFlows } = options
  const current = new Map<string, readonly ServicePort[]>()
  const touched = new Set<string>()
  const staleFlows: StaleFlow[] = []
  /** Changes that no write has carried out yet. */
  const triggers: Date[] = []
  let node = options.node

  function recompute(key: string): void {
    const service = options.serviceOf(key)
    const ports = service ? servicePortsOf(service, options.slicesOf(key), node, family) : []
    staleFlows.push(...computeStaleFlows(current.get(key) ?? [], ports))
    if (ports.length > 0) current.set(key, ports)
    else current.delete(key)
    const rules = computeRules(ports, node)
    backend.set(key, rules)
    measure.computed(key, rules)
  }

  return {
    touch(key, since) {
      touched.add(key)
      if (since && triggers.length < mostTriggers) triggers.push(since)
    },
    setNode(next) {
      node = next
      for (const key of current.keys()) touched.add(key)
    },
    async write() {
      const carriedOut = triggers.splice(0)
      const end = measure.started()
      for (const key of touched) recompute(key)
      touched.clear()
      const written = await backend.write()
      // After the rules: before, a client could bring the old flow back.
      const flows = staleFlows.splice(0)
      if (flows.length > 0) await forgetFlows(flows)
      const doneAt = clock.now()
      end(written, doneAt)
      for (const since of carriedOut) measure.programmed(doneAt.getTime() - since.getTime())
      return doneAt
    },
    ports: () => current,
  }
}
