/** From a path's names to what runs: the errors are those that kubectl shows. */
import { badRequest, ApiError } from '../../api/status.ts'
import type { Kubelet } from '../kubelet.ts'
import { findContainer } from '../pods/plan-pod.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { newestContainer, type RuntimeContainer } from '../runtime/pod-runtime.ts'

const missing = (message: string): ApiError =>
  new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', message, code: 404 })

export function requirePod(kubelet: Kubelet, namespace: string, name: string): PodWorker {
  const worker = kubelet.findPod(namespace, name)
  if (!worker) throw missing(`pod "${name}" not found`)
  return worker
}

export function requireRunning(worker: PodWorker, name: string): RuntimeContainer {
  const current = newestContainer(worker.runtime(), name)
  if (current?.state !== 'running') throw missing(`container not found ("${name}")`)
  return current
}

export function requireLogged(worker: PodWorker, name: string, previous: boolean): RuntimeContainer {
  const pod = worker.pod()
  if (!findContainer(pod, name)) throw missing(`container "${name}" in pod "${pod.metadata.name}" is not available`)
  const [current, before] = worker
    .runtime()
    .containers.filter((container) => container.name === name && container.state !== 'created')
  if (previous) {
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
    const last = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)?.lastState?.terminated
      ?.containerID
    // Between two runs the one that ended last is the previous one: the status says which.
    const wanted = [current, before].find((container) => container && `containerd://${container.id}` === last) ?? before
    if (!wanted) throw badRequest(`previous terminated container "${name}" in pod "${pod.metadata.name}" not found`)
    return wanted
  }
  if (!current)
    throw badRequest(`container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${waitingReason(worker, name)}`)
  return current
}

function waitingReason(worker: PodWorker, name: string): string {
  const { containerStatuses = [], initContainerStatuses = [] } = worker.pod().status ?? {}
  const waiting = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)?.state?.waiting
  switch (waiting?.reason) {
    case 'ErrImagePull':
      return "image can't be pulled"
    case 'ImagePullBackOff':
      return 'trying and failing to pull image'
    default:
      return waiting?.reason ?? 'ContainerCreating'
  }
}
