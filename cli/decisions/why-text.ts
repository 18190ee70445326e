/** What the scheduler knows of a pod, in words: where it stands, who refused it, what would help. Pure. */
import { alignTabs } from '../printers/tabwriter.ts'

/** The answer of the scheduler's /debug/attempts. */
export interface SchedulerAnswer {
  pod: string
  state: 'active' | 'backoff' | 'unschedulable' | 'gated' | 'assigned' | 'deciding' | 'elsewhere' | 'unknown'
  node?: string
  nominatedNode?: string
  schedulerName?: string
  tries?: number
  nextTry?: string
  waitsFor?: readonly string[]
  attempts: readonly Attempt[]
  relaxations: readonly { changes: readonly string[]; nodes: readonly string[]; nodeCount: number }[]
}

interface Attempt {
  at: string
  durationMs: number
  node: string | null
  message: string
  evaluatedNodes: number
  refused: Record<string, { plugin: string; reasons: readonly string[] }>
  scores: readonly { node: string; total: number; plugins: Record<string, number> }[]
}

export const formatWhy = (answer: SchedulerAnswer, now: Date): string => {
  const last = answer.attempts.at(-1)
  const parts = answer.state === 'assigned' ? whyThere(answer, last) : whyNot(answer, last, now)
  return parts.filter((part) => part !== '').join('\n\n')
}

function whyThere({ pod, node }: SchedulerAnswer, last: Attempt | undefined): string[] {
  if (!last?.node || last.node !== node) {
    return [`Pod ${pod} is on ${node}. The scheduler does not remember how it was placed there: it keeps the last pods only.`]
  }
  const refused = Object.keys(last.refused).length
  const suitable = last.evaluatedNodes - refused
  const looked = last.evaluatedNodes === 1 ? '1 node' : `${last.evaluatedNodes} nodes`
  const head = `Pod ${pod} went to ${node}: of ${looked} looked at, ${suitable} would do.`
  const scored = last.scores.every(({ plugins }) => Object.keys(plugins).length === 0)
    ? 'There was nothing to choose between: nodes are scored when more than one would do.'
    : scoreTable(last.scores, last.node)
  return [head, scored, refusals(last)]
}

/** Nodes by their scores; plugins that gave all of them the same are left out. */
function scoreTable(scores: Attempt['scores'], chosen: string): string {
  const all = [...new Set(scores.flatMap(({ plugins }) => Object.keys(plugins)))]
  const telling = all.filter((plugin) => new Set(scores.map(({ plugins }) => plugins[plugin] ?? 0)).size > 1)
  const rows = scores.map(({ node, total, plugins }) => [
    node === chosen ? `${node} (chosen)` : node,
    String(total),
    ...telling.map((plugin) => String(plugins[plugin] ?? 0)),
  ])
  const same =
    telling.length === all.length ? '' : `\n(the same for each: ${all.filter((plugin) => !telling.includes(plugin)).join(', ')})`
  return table(['NODE', 'SCORE', ...telling], rows) + same
}

function whyNot(answer: SchedulerAnswer, last: Attempt | undefined, now: Date): string[] {
  const { pod, relaxations } = answer
  switch (answer.state) {
    case 'unknown':
      return [`The scheduler has not heard of pod ${pod}, or it has ended.`]
    case 'elsewhere':
      return [`Pod ${pod} waits for a scheduler named "${answer.schedulerName}"; this one does not go by that name.`]
    default:
      return [
        `Pod ${pod} has no node. ${standing(answer, last, now)}`,
        last && !last.node ? last.message : '',
        last ? refusals(last) : '',
        advice(relaxations, last),
      ]
  }
}

function standing(
  { state, waitsFor = [], nextTry, nominatedNode }: SchedulerAnswer,
  last: Attempt | undefined,
  now: Date,
): string {
  const tried = last ? ` The last attempt was ${seconds(now.getTime() - Date.parse(last.at))} ago.` : ''
  const nominated = nominatedNode ? ` Room is being made for it on ${nominatedNode}.` : ''
  switch (state) {
    case 'gated':
      return 'Its scheduling gates keep it from being tried.'
    case 'backoff':
      return `It is tried again in ${seconds(Date.parse(nextTry ?? '') - now.getTime())}.${tried}${nominated}`
    case 'unschedulable':
      return `It waits for a change that helps ${waitsFor.length > 1 ? 'one of ' : ''}${waitsFor.join(', ') || 'any plugin'}.${tried}${nominated}`
    case 'deciding':
      return waitsFor.length > 0
        ? `It has one in mind, and ${waitsFor.join(', ')} keeps it waiting.`
        : 'It is being placed right now.'
    default:
      return `It will be tried as soon as its turn comes.${tried}${nominated}`
  }
}

/** Nodes that were refused for the same are one line. */
function refusals({ refused }: Attempt): string {
  const alike = Map.groupBy(Object.entries(refused), ([, { plugin, reasons }]) => `${plugin}\t${reasons.join(', ')}`)
  if (alike.size === 0) return ''
  const rows = Array.from(alike, ([why, nodes]) => [nameNodes(nodes.map(([name]) => name)), ...why.split('\t')])
  return table(['NODE', 'REFUSED BY', 'REASON'], rows)
}

function advice(relaxations: SchedulerAnswer['relaxations'], last: Attempt | undefined): string {
  if (relaxations.length === 0) {
    return last && Object.keys(last.refused).length === 0
      ? 'No node was looked at: this must be put right first, whatever the nodes have.'
      : 'No small change of the pod or of one node that the scheduler knows of would let it fit.'
  }
  const [first] = relaxations
  if (first!.changes.length === 0)
    return `It fits as it is, on ${nameNodes(first!.nodes, first!.nodeCount)}: it only has to be tried again.`
  const lines = relaxations.map(
    ({ changes, nodes, nodeCount }) => `  on ${nameNodes(nodes, nodeCount)}\tif ${changes.join(',\n  \tand ')}`,
  )
  return `It would fit\n${alignTabs(lines.join('\n'))}`
}

const shownNodes = 3

function nameNodes(nodes: readonly string[], count = nodes.length): string {
  const shown = nodes.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).slice(0, shownNodes)
  return count > shown.length ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ')
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  alignTabs([head, ...rows].map((cells) => cells.join('\t')).join('\n'), { padding: 3 })

function seconds(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1000))
  return whole < 120 ? `${whole} s` : `${Math.round(whole / 60)} min`
}
