/** How often each probe has succeeded and failed, for `/metrics/probes`. */
import type { Container, Pod } from '../../api/generated/types.ts'

export interface ProbeCounts {
  count(pod: Pod, container: Pick<Container, 'name'>, type: string, ok: boolean): void
  forget(uid: string): void
  /** In Prometheus' text format. */
  render(): string
}

export function createProbeCounts(): ProbeCounts {
  /** By pod, then by the text of the labels. */
  const counts = new Map<string, Map<string, number>>()
  return {
    count({ metadata }, container, type, ok) {
      const { uid, namespace = '', name } = metadata
      const own = counts.get(uid) ?? new Map<string, number>()
      counts.set(uid, own)
      const title = `${type[0]!.toUpperCase()}${type.slice(1)}`
      const result = ok ? 'successful' : 'failed'
      const labels = { container: container.name, namespace, pod: name, pod_uid: uid, probe_type: title, result }
      const text = Object.entries(labels)
        .map(([label, value]) => `${label}="${value}"`)
        .join(',')
      own.set(text, (own.get(text) ?? 0) + 1)
    },
    forget: (uid) => void counts.delete(uid),
    render() {
      const rows = [...counts.values()].flatMap((own) =>
        [...own].map(([labels, value]) => `prober_probe_total{${labels}} ${value}`),
      )
      const help =
        '# HELP prober_probe_total [BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.'
      return [help, '# TYPE prober_probe_total counter', ...rows, ''].join('\n')
    },
  }
}
