/** What became of the last pods, verdict by verdict: the answer of /debug/attempts. Bounded in pods and in attempts. */
import type { Decision } from '../decide.ts'
import { explainFailure } from '../explain.ts'

export interface Attempt {
  at: string
  durationMs: number
  node: string | null
  message: string
  evaluatedNodes: number
  /** Why each node that was looked at was refused, and by which plugin. */
  refused: Record<string, { plugin: string; reasons: readonly string[] }>
  /** Weighted scores of the nodes that would do, the best first; at most twenty. */
  scores: { node: string; total: number; plugins: Record<string, number> }[]
}

export interface Attempts {
  record(pod: string, decision: Decision, at: Date, durationMs: number, preemption?: string): void
  of(pod: string): Attempt[]
  pods(): string[]
}

const maxPods = 200
const maxAttempts = 10
const maxScores = 20

interface Recorded {
  decision: Decision
  at: Date
  durationMs: number
  preemption: string
}

/** Decisions are kept as they were made and put into words only when somebody asks. */
export function createAttempts(): Attempts {
  const recorded = new Map<string, Recorded[]>()
  return {
    record(pod, decision, at, durationMs, preemption = '') {
      const earlier = recorded.get(pod) ?? []
      recorded.delete(pod)
      recorded.set(pod, [...earlier.slice(1 - maxAttempts), { decision, at, durationMs, preemption }])
      if (recorded.size > maxPods) recorded.delete(recorded.keys().next().value!)
    },
    of: (pod) => (recorded.get(pod) ?? []).map(toAttempt),
    pods: () => [...recorded.keys()],
  }
}

function toAttempt({ decision, at, durationMs, preemption }: Recorded): Attempt {
  return {
    at: at.toISOString(),
    durationMs,
    node: decision.node?.name ?? null,
    message: decision.node ? `assigned to ${decision.node.name}` : explainFailure(decision, preemption),
    evaluatedNodes: decision.evaluated,
    refused: Object.fromEntries(Array.from(decision.verdicts, ([node, { plugin, reasons }]) => [node, { plugin, reasons }])),
    scores: decision.node ? rank(decision) : [],
  }
}

function rank({ feasible, scores }: Extract<Decision, { feasible: unknown }>): Attempt['scores'] {
  return feasible
    .map(({ name }, index) => {
      const plugins = Object.fromEntries(scores.map(({ plugin, weight, values }) => [plugin, weight * values[index]!]))
      return { node: name, total: Object.values(plugins).reduce((sum, value) => sum + value, 0), plugins }
    })
    .sort((a, b) => b.total - a.total)
    .slice(0, maxScores)
}
