/** From the API server's record of writes to the way that one change took: a tree of causes, drawn as a waterfall. Pure. */

/** One line of `/debug/kubelab/writes`. */
export interface WriteRecord {
  actor: string
  verb: string
  resource: string
  subresource?: string
  namespace?: string
  name: string
  revision: number
  /** `<resource>/<namespace>/<name>@<revision>` */
  cause?: string
  /** Milliseconds since the epoch, with fractions. */
  time: number
}

export interface TraceNode {
  write: WriteRecord
  depth: number
}

export interface Target {
  resource: string
  namespace: string
  name: string
}

const pathOf = ({ resource, namespace, name }: { resource: string; namespace?: string; name: string }) =>
  namespace ? `${resource}/${namespace}/${name}` : `${resource}/${name}`

/**
 * The last write that a user made of the target, and everything that it caused, in the order of time.
 * Undefined when the record holds no such write any more.
 */
export function traceWrites(writes: readonly WriteRecord[], target: Target): TraceNode[] | undefined {
  const path = pathOf(target)
  const own = writes.filter((write) => pathOf(write) === path && !write.subresource && write.verb !== 'delete')
  const root = own.findLast(({ cause }) => !cause) ?? own[0]
  if (!root) return undefined
  const children = Map.groupBy(writes, (write) => parentOf(write, writes)?.revision)
  const nodes: TraceNode[] = []
  const visit = (write: WriteRecord, depth: number) => {
    nodes.push({ write, depth })
    for (const child of children.get(write.revision) ?? []) visit(child, depth + 1)
  }
  visit(root, 0)
  return nodes.toSorted((a, b) => a.write.time - b.write.time)
}

/** The write that made the version which woke the writer; the last one before it when that very version is not recorded. */
function parentOf({ cause, revision }: WriteRecord, writes: readonly WriteRecord[]): WriteRecord | undefined {
  const match = cause === undefined ? null : /^(.*)@(\d+)$/.exec(cause)
  if (!match) return undefined
  const at = Number(match[2])
  return writes.findLast((write) => write.revision <= at && write.revision < revision && pathOf(write) === match[1])
}

const STEPS = [
  'posted',
  'stored in etcd',
  'the deployment controller creates a replica set',
  'the replica set controller creates pods',
  'the scheduler binds them to nodes',
  'the kubelet starts them',
  'their status comes back',
  'endpoints follow',
] as const

/** Which of the eight steps of a change a write is; undefined for what happens beside them. */
function stepOf({ write: { actor, verb, resource, subresource }, depth }: TraceNode, seenStart: boolean): number | undefined {
  if (depth === 0) return 2
  if (verb === 'create' && resource === 'replicasets') return 3
  if (verb === 'create' && resource === 'pods' && !subresource) return 4
  if (resource === 'pods' && subresource === 'binding') return 5
  if (resource === 'pods' && subresource === 'status' && actor.startsWith('system:node:')) return seenStart ? 7 : 6
  if (resource === 'endpointslices' || resource === 'endpoints') return 8
  return undefined
}

const actorName = (actor: string) =>
  actor
    .replace(/^system:serviceaccount:[^:]+:/, '')
    .replace(/^system:node:/, 'kubelet ')
    .replace(/^system:/, '')

/** All controllers are one identity: what they write tells which of them it was. */
const CONTROLLERS: Record<string, string> = {
  deployments: 'deployment controller',
  'deployments/status': 'deployment controller',
  replicasets: 'deployment controller',
  'replicasets/status': 'replica set controller',
  pods: 'replica set controller',
  endpoints: 'endpoints controller',
  endpointslices: 'endpoint slice controller',
}

function writerOf({ actor, resource, subresource }: WriteRecord): string {
  const name = actorName(actor)
  return (name === 'kube-controller-manager' && CONTROLLERS[subresource ? `${resource}/${subresource}` : resource]) || name
}

const VERBS: Record<string, string> = { create: 'creates', update: 'updates', patch: 'patches', delete: 'deletes' }

function whatOf({ verb, resource, subresource, name }: WriteRecord): string {
  if (subresource === 'binding') return `binds pods/${name}`
  return `${VERBS[verb] ?? verb} ${resource}/${name}${subresource ? ` (${subresource})` : ''}`
}

const BAR_WIDTH = 32

/** Lines of the waterfall: step, milliseconds since the post, where that is in the whole, who did what. */
export function formatTrace(nodes: readonly TraceNode[]): string {
  const [first] = nodes
  if (!first) return ''
  const start = first.write.time
  const length = Math.max(nodes.at(-1)!.write.time - start, 0.001)
  const started = new Set<string>()
  const reached = new Map<number, number>([[1, 0]])
  const lines = nodes.map((node) => {
    const { write, depth } = node
    const ms = write.time - start
    const step = stepOf(node, started.has(write.name))
    if (step === 6) started.add(write.name)
    if (step !== undefined) reached.set(step, ms)
    const position = Math.min(BAR_WIDTH - 1, Math.floor((ms / length) * BAR_WIDTH))
    const bar = `${'·'.repeat(position)}█${' '.repeat(BAR_WIDTH - 1 - position)}`
    return `${String(step ?? '').padStart(2)}  ${ms.toFixed(1).padStart(9)} ms  ${bar}  ${'  '.repeat(depth)}${writerOf(write)} ${whatOf(write)}`
  })
  const summary = [...reached]
    .toSorted(([a], [b]) => a - b)
    .map(([step, ms]) => `${step}. ${STEPS[step - 1]!.padEnd(48)} ${ms.toFixed(1).padStart(9)} ms`)
  return [...lines, '', ...summary].join('\n')
}
