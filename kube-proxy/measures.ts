/** What the proxy counts of its own work, under upstream's names. */
import type { Metrics } from '../component/metrics.ts'
import type { Backend, Written } from './backends/backend.ts'
import type { PortRules } from './compute-rules.ts'
import type { Family } from './service-ports.ts'

const syncBuckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index)
const programmingBuckets = [0.03, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300]
const prefix = 'kubeproxy_sync_proxy_rules'

export interface Measures {
  queued(at: Date): void
  /** A service or its endpoints changed; not written yet. */
  changed(of: 'service' | 'endpoints'): void
  /** The rules of a service as they are to be; none when it is gone. */
  computed(service: string, rules: readonly PortRules[]): void
  /** A write begins; call what it answers when all is in the kernel. */
  started(): (written: Written, at: Date) => void
  failed(): void
  /** From the change of a pod to the rule. */
  programmed(ms: number): void
}

export function createMeasures(metrics: Metrics, family: Family, backend: Backend): Measures {
  const labels = { ip_family: family }
  const name = ['ip_family'] as const
  const duration = (kind: string, help: string) =>
    metrics.histogram(`kubeproxy_sync_${kind}rules_duration_seconds`, help, syncBuckets, name)
  const all = duration('proxy_', 'SyncProxyRules latency in seconds')
  const full = duration('full_proxy_', 'SyncProxyRules latency in seconds for full resyncs')
  const partial = duration('partial_proxy_', 'SyncProxyRules latency in seconds for partial resyncs')
  const failures = metrics.counter(
    backend.mode === 'nftables' ? `${prefix}_nftables_sync_failures_total` : `${prefix}_iptables_restore_failures_total`,
    backend.mode === 'nftables' ? 'Cumulative proxy nftables sync failures' : 'Cumulative proxy iptables restore failures',
    name,
  )
  const lastDone = metrics.gauge(`${prefix}_last_timestamp_seconds`, 'The last time proxy rules were successfully synced', name)
  const lastQueued = metrics.gauge(
    `${prefix}_last_queued_timestamp_seconds`,
    'The last time a sync of proxy rules was queued',
    name,
  )
  const parts = metrics.counter('kubelab_proxy_parts_written_total', 'Chains, sets and elements written or removed', name)
  const programming = metrics.histogram(
    'kubeproxy_network_programming_duration_seconds',
    'In Cluster Network Programming Latency in seconds',
    programmingBuckets,
    name,
  )
  const changes = {
    service: changeMetrics(metrics, 'service', 'Service'),
    endpoints: changeMetrics(metrics, 'endpoint', 'Endpoint'),
  }
  const kernel = kernelMetrics(metrics, family, backend)
  const missing = missingEndpoints(metrics, family)
  return {
    queued: (at) => lastQueued.set(labels, at.getTime() / 1000),
    changed(of) {
      changes[of].total.inc(labels, 1)
      changes[of].pending.inc(labels, 1)
    },
    computed: missing.computed,
    started() {
      const start = performance.now()
      for (const { pending } of Object.values(changes)) pending.set(labels, 0)
      return (written, at) => {
        const seconds = (performance.now() - start) / 1000
        all.observe(labels, seconds)
        ;(written.whole ? full : partial).observe(labels, seconds)
        lastDone.set(labels, at.getTime() / 1000)
        parts.inc(labels, written.parts)
        kernel.written(written)
        missing.tell()
      }
    },
    failed: () => failures.inc(labels),
    programmed: (ms) => programming.observe(labels, Math.max(0, ms) / 1000),
  }
}

function changeMetrics(metrics: Metrics, of: string, kind: string) {
  return {
    total: metrics.counter(`${prefix}_${of}_changes_total`, `Cumulative proxy rules ${kind} changes`, ['ip_family']),
    pending: metrics.gauge(`${prefix}_${of}_changes_pending`, `Pending proxy rules ${kind} changes`, ['ip_family']),
  }
}

/** How many rules there are, and how many things the last write touched. */
function kernelMetrics(metrics: Metrics, family: Family, backend: Backend) {
  if (backend.mode !== 'iptables') return { written: () => {} }
  const total = metrics.gauge(`${prefix}_iptables_total`, 'Total number of iptables rules owned by kube-proxy', [
    'table',
    'ip_family',
  ])
  const last = metrics.gauge(`${prefix}_iptables_last`, 'Number of iptables rules written by kube-proxy in last sync', [
    'table',
    'ip_family',
  ])
  return {
    written({ rules }: Written) {
      for (const [table, count] of backend.ruleCounts()) total.set({ table, ip_family: family }, count)
      for (const [table, count] of rules) last.set({ table, ip_family: family }, count)
    },
  }
}

/** Services that want local endpoints and have none here, while others have some. */
function missingEndpoints(metrics: Metrics, family: Family) {
  const gauge = metrics.gauge(
    `${prefix}_no_local_endpoints_total`,
    'Number of services with a Local traffic policy and no endpoints',
    ['traffic_policy', 'ip_family'],
  )
  const without = { internal: new Set<string>(), external: new Set<string>() }
  return {
    computed(service: string, rules: readonly PortRules[]) {
      const has = {
        internal: rules.some(({ internal }) => internal === 'drop'),
        external: rules.some(({ external }) => external?.refusal === 'drop'),
      }
      for (const policy of ['internal', 'external'] as const) {
        if (has[policy]) without[policy].add(service)
        else without[policy].delete(service)
      }
    },
    tell() {
      for (const policy of ['internal', 'external'] as const) {
        gauge.set({ traffic_policy: policy, ip_family: family }, without[policy].size)
      }
    },
  }
}
