/** Counts what is recorded, at which level, and what was lost, under upstream's metric names. */
import { Counter } from 'prom-client'
import type { Metrics } from '../../component/metrics.ts'
import type { AuditLog } from './audit-log.ts'
import type { AuditRecorder } from './audit-recorder.ts'

/** The same recorder, counted. */
export function countAudit(recorder: AuditRecorder, log: Pick<AuditLog, 'taken' | 'dropped'>, metrics: Metrics): AuditRecorder {
  const registers = [metrics.registry]
  // Read from the log when somebody asks: it knows already.
  new Counter({
    name: 'apiserver_audit_event_total',
    help: 'Counter of audit events generated and sent to the audit backend.',
    registers,
    collect() {
      this.reset()
      this.inc(log.taken())
    },
  })
  new Counter({
    name: 'apiserver_audit_error_total',
    help: 'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
    labelNames: ['plugin'],
    registers,
    collect() {
      this.reset()
      this.inc({ plugin: 'log' }, log.dropped())
    },
  })
  const requests = metrics.counter('apiserver_audit_level_total', 'Counter of policy levels for audit events (1 per request).', [
    'level',
  ])
  const children = new Map(['None', 'Metadata', 'Request', 'RequestResponse'].map((level) => [level, requests.labels({ level })]))
  return {
    begin(request) {
      const record = recorder.begin(request)
      children.get(record?.level ?? 'None')?.inc()
      return record
    },
  }
}
