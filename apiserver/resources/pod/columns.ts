/** What `kubectl get pods` says of a pod: readiness, the one word of its state, restarts. */
import type { ContainerState, ContainerStatus, Pod } from '../../../api/generated/types.ts'
import { humanDuration } from '../../../api/duration.ts'
import { AGE, NAME, NONE, text, wide } from '../columns.ts'
import type { Column } from '../resource.ts'

interface Summary {
  ready: number
  total: number
  reason: string
  restarts: number
  /** Milliseconds since the epoch; 0 when nothing was ever restarted. */
  lastRestart: number
}

/** The sidecars among the init containers, by name: they count as containers of their own. */
function sidecarsOf({ spec }: Pod): Set<string> {
  const names = new Set<string>()
  for (const { name, restartPolicy } of spec.initContainers ?? []) if (restartPolicy === 'Always') names.add(name)
  return names
}

const exitReason = ({ signal, exitCode }: NonNullable<ContainerState['terminated']>): string =>
  signal ? `Signal:${signal}` : `ExitCode:${exitCode}`

const finishedAt = ({ lastState }: ContainerStatus): number =>
  lastState?.terminated?.finishedAt ? Date.parse(lastState.terminated.finishedAt) : 0

function summarizePod(pod: Pod): Summary {
  const { spec, status = {} } = pod
  const sidecars = sidecarsOf(pod)
  const summary: Summary = {
    ready: 0,
    total: spec.containers.length + sidecars.size,
    reason: status.reason || status.phase || '',
    restarts: 0,
    lastRestart: 0,
  }
  // A pod that waits at a gate says so.
  if (status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')) {
    summary.reason = 'SchedulingGated'
  }
  const sidecarRestarts = { restarts: 0, lastRestart: 0 }
  const initializing = summarizeInit(pod, sidecars, summary, sidecarRestarts)
  const initialized = status.conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True') ?? false
  if (!initializing || initialized) {
    summary.restarts = sidecarRestarts.restarts
    summary.lastRestart = sidecarRestarts.lastRestart
    summarizeMain(pod, summary)
  }
  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating'
  }
  return summary
}

/** Walks the init containers to the first that is not done; answers whether there is one. */
function summarizeInit(
  pod: Pod,
  sidecars: Set<string>,
  summary: Summary,
  sidecarRestarts: Pick<Summary, 'restarts' | 'lastRestart'>,
): boolean {
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [index, container] of statuses.entries()) {
    summary.restarts += container.restartCount
    summary.lastRestart = Math.max(summary.lastRestart, finishedAt(container))
    const isSidecar = sidecars.has(container.name)
    if (isSidecar) {
      sidecarRestarts.restarts += container.restartCount
      sidecarRestarts.lastRestart = Math.max(sidecarRestarts.lastRestart, finishedAt(container))
    }
    const { terminated, waiting } = container.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (isSidecar && container.started) {
      if (container.ready) summary.ready++
      continue
    }
    if (terminated) summary.reason = `Init:${terminated.reason || exitReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`
    else summary.reason = `Init:${index}/${pod.spec.initContainers?.length ?? 0}`
    return true
  }
  return false
}

function summarizeMain({ status }: Pod, summary: Summary): void {
  let hasRunning = false
  for (const container of (status?.containerStatuses ?? []).toReversed()) {
    summary.restarts += container.restartCount
    summary.lastRestart = Math.max(summary.lastRestart, finishedAt(container))
    const { waiting, terminated, running } = container.state ?? {}
    if (waiting?.reason) summary.reason = waiting.reason
    else if (terminated) summary.reason = terminated.reason || exitReason(terminated)
    else if (container.ready && running) {
      hasRunning = true
      summary.ready++
    }
  }
  // Some containers are done while others still run: the pod as a whole is not completed.
  if (summary.reason === 'Completed' && hasRunning) {
    const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    summary.reason = ready ? 'Running' : 'NotReady'
  }
}

function restartsOf(pod: Pod, now: Date): string {
  const { restarts, lastRestart } = summarizePod(pod)
  return restarts > 0 && lastRestart > 0 ? `${restarts} (${humanDuration(now.getTime() - lastRestart)} ago)` : String(restarts)
}

function readinessGatesOf({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? []
  if (gates.length === 0) return NONE
  const passed = gates.filter(
    ({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === 'True',
  )
  return `${passed.length}/${gates.length}`
}

export const podColumns: readonly Column<Pod>[] = [
  NAME,
  text('Ready', 'The aggregate readiness state of this pod for accepting traffic.', (pod) => {
    const { ready, total } = summarizePod(pod)
    return `${ready}/${total}`
  }),
  text('Status', 'The aggregate status of the containers in this pod.', (pod) => summarizePod(pod).reason),
  text(
    'Restarts',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    restartsOf,
  ),
  AGE,
  wide(text('IP', 'The first address of the pod.', (pod) => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || NONE)),
  wide(text('Node', 'The node this pod runs on.', (pod) => pod.spec.nodeName || NONE)),
  wide(
    text(
      'Nominated Node',
      'The node that lower-priority pods make room on for this one.',
      (pod) => pod.status?.nominatedNodeName || NONE,
    ),
  ),
  wide(text('Readiness Gates', 'Readiness gates that have passed.', readinessGatesOf)),
]
