/** How far a rollout is, in kubectl's words. Pure. */
import type { DaemonSet, Deployment, StatefulSet } from '../../api/generated/types.ts'

export interface RolloutStatus {
  message: string
  done: boolean
  /** It cannot succeed any more. */
  failed?: boolean
}

const wait = (message: string): RolloutStatus => ({ message, done: false })
const done = (message: string): RolloutStatus => ({ message, done: true })

export function deploymentStatus({ metadata: { name, generation = 0 }, spec, status = {} }: Deployment): RolloutStatus {
  if (generation > (status.observedGeneration ?? 0)) return wait('Waiting for deployment spec update to be observed...')
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return { message: `deployment ${JSON.stringify(name)} exceeded its progress deadline`, done: true, failed: true }
  }
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status
  const wanted = spec.replicas ?? 1
  const prefix = `Waiting for deployment ${JSON.stringify(name)} rollout to finish: `
  if (updated < wanted) return wait(`${prefix}${updated} out of ${wanted} new replicas have been updated...`)
  if (replicas > updated) return wait(`${prefix}${replicas - updated} old replicas are pending termination...`)
  if (available < updated) return wait(`${prefix}${available} of ${updated} updated replicas are available...`)
  return done(`deployment ${JSON.stringify(name)} successfully rolled out`)
}

export function daemonSetStatus({ metadata: { name, generation = 0 }, spec, status }: DaemonSet): RolloutStatus {
  if (spec.updateStrategy?.type === 'OnDelete')
    return { message: 'rollout status is only available for RollingUpdate strategy type', done: true, failed: true }
  if (generation > (status?.observedGeneration ?? 0)) return wait('Waiting for daemon set spec update to be observed...')
  const { updatedNumberScheduled: updated = 0, desiredNumberScheduled: wanted = 0, numberAvailable: available = 0 } = status ?? {}
  const prefix = `Waiting for daemon set ${JSON.stringify(name)} rollout to finish: `
  if (updated < wanted) return wait(`${prefix}${updated} out of ${wanted} new pods have been updated...`)
  if (available < wanted) return wait(`${prefix}${available} of ${wanted} updated pods are available...`)
  return done(`daemon set ${JSON.stringify(name)} successfully rolled out`)
}

export function statefulSetStatus({ metadata: { generation = 0 }, spec, status }: StatefulSet): RolloutStatus {
  if (spec.updateStrategy?.type === 'OnDelete')
    return { message: 'rollout status is only available for RollingUpdate strategy type', done: true, failed: true }
  if (!status?.observedGeneration || generation > status.observedGeneration)
    return wait('Waiting for statefulset spec update to be observed...')
  const { readyReplicas: ready = 0, updatedReplicas: updated = 0, currentRevision, updateRevision } = status
  const wanted = spec.replicas ?? 1
  if (ready < wanted) return wait(`Waiting for ${wanted - ready} pods to be ready...`)
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  if (partition > 0) {
    if (updated < wanted - partition) {
      return wait(
        `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`,
      )
    }
    return done(`partitioned roll out complete: ${updated} new pods have been updated...`)
  }
  if (updateRevision !== currentRevision) {
    return wait(`waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`)
  }
  return done(`statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${currentRevision}...`)
}
