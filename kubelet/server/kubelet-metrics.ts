/** What the kubelet counts of itself, under upstream's names. */
import { exponentialBuckets, type Metrics } from '../../component/metrics.ts'
import type { Clock } from '../../component/clock.ts'
import type { Kubelet } from '../kubelet.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { CriCalls } from '../runtime/cri-types.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import type { VolumeStats } from './file-usage.ts'

const startBuckets = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
]

/** `RunPodSandbox` is `run_podsandbox`. */
const operationType = (call: keyof CriCalls): string =>
  call
    .replace('PodSandbox', 'Podsandbox')
    .replace(/(?!^)([A-Z])/g, '_$1')
    .toLowerCase()

/** Counts each call, its time and its failures. */
export function countCalls(cri: Cri, metrics: Metrics, clock: Clock): Cri {
  const label = ['operation_type'] as const
  const total = metrics.counter(
    'kubelet_runtime_operations_total',
    'Cumulative number of runtime operations by operation type.',
    label,
  )
  const errors = metrics.counter(
    'kubelet_runtime_operations_errors_total',
    'Cumulative number of runtime operation errors by operation type.',
    label,
  )
  const duration = metrics.histogram(
    'kubelet_runtime_operations_duration_seconds',
    'Duration in seconds of runtime operations. Broken down by operation type.',
    exponentialBuckets(0.005, 2.5, 14),
    label,
  )
  return {
    ...cri,
    async call(name, request, options) {
      const operation_type = operationType(name)
      const startedMs = clock.now().getTime()
      total.inc({ operation_type })
      try {
        return await cri.call(name, request, options)
      } catch (error) {
        errors.inc({ operation_type })
        throw error
      } finally {
        duration.observe({ operation_type }, (clock.now().getTime() - startedMs) / 1000)
      }
    },
  }
}

/** Measures each pod from when it is first seen here until it runs. */
export function measureStarts(statuses: StatusWriter, metrics: Metrics, clock: Clock): StatusWriter {
  const duration = metrics.histogram(
    'kubelet_pod_start_duration_seconds',
    'Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run',
    startBuckets,
  )
  const seen = new Map<string, number>()
  return {
    ...statuses,
    set(pod, status) {
      const { uid } = pod.metadata
      if (status.phase === 'Pending' && !seen.has(uid)) seen.set(uid, clock.now().getTime())
      const firstMs = seen.get(uid)
      if (status.phase === 'Running' && firstMs !== undefined && !Number.isNaN(firstMs)) {
        duration.observe((clock.now().getTime() - firstMs) / 1000)
        // Its start is measured once, whatever becomes of it.
        seen.set(uid, Number.NaN)
      }
      statuses.set(pod, status)
    },
    forget(uid) {
      seen.delete(uid)
      statuses.forget(uid)
    },
  }
}

/** Counted when someone asks. */
export function updateGauges(metrics: Metrics, kubelet: Kubelet, nodeName: string): void {
  const pods = metrics.gauge('kubelet_running_pods', 'Number of pods that have a running pod sandbox')
  const containers = metrics.gauge('kubelet_running_containers', 'Number of containers currently running', ['container_state'])
  const desired = metrics.gauge('kubelet_desired_pods', 'The number of pods the kubelet is being instructed to run.')
  metrics.gauge('kubelet_node_name', "The node's name. The count is always 1.", ['node']).set({ node: nodeName }, 1)
  const runtimes = kubelet.pods().flatMap(({ metadata }) => kubelet.worker(metadata.uid)?.runtime() ?? [])
  pods.set(runtimes.filter(({ sandboxes }) => sandboxes.some(({ ready }) => ready)).length)
  desired.set(kubelet.pods().length)
  containers.reset()
  for (const state of ['created', 'running', 'exited', 'unknown'])
    containers.set(
      { container_state: state },
      runtimes.flatMap((runtime) => runtime.containers).filter((container) => container.state === state).length,
    )
}

const claimGauges: [name: string, help: string, value: (volume: VolumeStats) => number][] = [
  ['kubelet_volume_stats_available_bytes', 'Number of available bytes in the volume', (volume) => volume.availableBytes],
  ['kubelet_volume_stats_capacity_bytes', 'Capacity in bytes of the volume', (volume) => volume.capacityBytes],
  ['kubelet_volume_stats_used_bytes', 'Number of used bytes in the volume', (volume) => volume.usedBytes],
  ['kubelet_volume_stats_inodes', 'Maximum number of inodes in the volume', (volume) => volume.inodes],
  ['kubelet_volume_stats_inodes_free', 'Number of free inodes in the volume', (volume) => volume.inodesFree],
  ['kubelet_volume_stats_inodes_used', 'Number of used inodes in the volume', (volume) => volume.inodesUsed],
]

export function updateClaimGauges(metrics: Metrics, volumes: readonly VolumeStats[]): void {
  for (const [name, help, value] of claimGauges) {
    const gauge = metrics.gauge(name, `[ALPHA] ${help}`, ['namespace', 'persistentvolumeclaim'])
    gauge.reset()
    for (const volume of volumes)
      if (volume.pvcRef)
        gauge.set({ namespace: volume.pvcRef.namespace, persistentvolumeclaim: volume.pvcRef.name }, value(volume))
  }
}
