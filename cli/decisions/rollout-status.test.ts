import { expect, test } from 'vitest'
import type { DaemonSet, Deployment, StatefulSet } from '../../api/generated/types.ts'
import { daemonSetStatus, deploymentStatus, statefulSetStatus } from './rollout-status.ts'

const metadata = { name: 'web', uid: 'u', generation: 2 }

test.each<[object, string, boolean]>([
  [{ observedGeneration: 1 }, 'Waiting for deployment spec update to be observed...', false],
  [
    { observedGeneration: 2, replicas: 3, updatedReplicas: 1 },
    'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
    false,
  ],
  [
    { observedGeneration: 2, replicas: 4, updatedReplicas: 3 },
    'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
    false,
  ],
  [
    { observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 2 },
    'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
    false,
  ],
  [
    { observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3 },
    'deployment "web" successfully rolled out',
    true,
  ],
])('a deployment with %j', (status, message, done) => {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 3 }, status } as Deployment
  expect(deploymentStatus(deployment)).toEqual({ message, done })
})

test('a deployment past its deadline has failed', () => {
  const status = {
    observedGeneration: 2,
    conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
  }
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: {}, status } as unknown as Deployment
  expect(deploymentStatus(deployment)).toEqual({
    message: 'deployment "web" exceeded its progress deadline',
    done: true,
    failed: true,
  })
})

test('a daemon set waits for its updated pods to be available', () => {
  const status = { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 }
  const set = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: {}, status } as unknown as DaemonSet
  expect(daemonSetStatus(set).message).toBe(
    'Waiting for daemon set "web" rollout to finish: 1 of 2 updated pods are available...',
  )
})

test('a stateful set is done when all its pods are of the new revision', () => {
  const status = {
    observedGeneration: 2,
    readyReplicas: 2,
    updatedReplicas: 2,
    currentReplicas: 2,
    currentRevision: 'r',
    updateRevision: 'r',
  }
  const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec: { replicas: 2 }, status } as unknown as StatefulSet
  expect(statefulSetStatus(set)).toEqual({ message: 'statefulset rolling update complete 2 pods at revision r...', done: true })
})
