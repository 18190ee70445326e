/** Says in upstream's words why a pod cannot be scheduled. */
import type { Failure, Verdict } from './decide.ts'

/** `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.` and what preemption had to say. */
export function explainFailure({ nodes, refused, verdicts, ruledOut }: Failure, preemption: string = ''): string {
  if (nodes === 0) return 'no nodes available to schedule pods'
  const reasons = refused
    ? refused.reasons.join(', ')
    : histogram(verdicts.values(), absent(nodes - verdicts.size, ruledOut?.plugins))
  return `0/${nodes} nodes are available:${reasons && ` ${reasons}.`}${preemption && ` ${preemption}`}`
}

function absent(count: number, plugins: readonly string[] | undefined): [string, number][] {
  return plugins && count > 0 ? [[`node(s) didn't satisfy plugin(s) [${plugins.toSorted().join(' ')}]`, count]] : []
}

/** How often each reason was given, as `2 Insufficient cpu, …` in the order of these texts. */
export function histogram(verdicts: Iterable<Pick<Verdict, 'reasons'>>, more: readonly [string, number][] = []): string {
  const counts = new Map<string, number>(more)
  for (const { reasons } of verdicts) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return Array.from(counts, ([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}

/** The plugins that refused: only what helps one of them can help the pod. */
export function refusingPlugins({ refused, verdicts, ruledOut }: Failure): Set<string> {
  const plugins = new Set(ruledOut?.plugins)
  if (refused) plugins.add(refused.plugin)
  for (const { plugin } of verdicts.values()) plugins.add(plugin)
  return plugins
}
