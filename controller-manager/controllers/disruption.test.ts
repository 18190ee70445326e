import { describe, expect, it } from 'vitest'
import type { Pod, PodDisruptionBudgetSpec } from '../../api/generated/types.ts'
import { createModel } from '../model.ts'
import { disruption } from './disruption.ts'

const labels = { app: 'web' }

function withBudget(spec: PodDisruptionBudgetSpec, pods: Partial<Pod>[] = [{}, {}, {}]) {
  const model = createModel([disruption])
  const rs = model.add('ReplicaSet', { metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 4, selector: {} } })
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: rs.metadata.uid, controller: true }]
  const status = { conditions: [{ type: 'Ready', status: 'True' }] }
  pods.forEach((pod, index) =>
    model.add('Pod', {
      spec: { containers: [] },
      status,
      ...pod,
      metadata: { namespace: 'default', name: `p${index}`, labels, ownerReferences, ...pod.metadata },
    }),
  )
  model.add('PodDisruptionBudget', {
    metadata: { namespace: 'default', name: 'web' },
    spec: { selector: { matchLabels: labels }, ...spec },
  })
  model.settle(disruption)
  return { model, status: model.get('PodDisruptionBudget', 'default/web')!.status! }
}

describe('PodDisruptionBudget', () => {
  it.each<[string, PodDisruptionBudgetSpec, number, number, number]>([
    ['a number that must stay', { minAvailable: 2 }, 3, 2, 1],
    ['a share of what the controller wants', { minAvailable: '50%' }, 4, 2, 1],
    ['a number that may be missing', { maxUnavailable: 1 }, 4, 3, 0],
    ['a share that may be missing, rounded up', { maxUnavailable: '30%' }, 4, 2, 1],
  ])('reckons with %s', (_, spec, expectedPods, desiredHealthy, disruptionsAllowed) => {
    const { status } = withBudget(spec)
    expect(status).toMatchObject({ expectedPods, desiredHealthy, disruptionsAllowed, currentHealthy: 3 })
    expect(status.conditions).toMatchObject([
      { type: 'DisruptionAllowed', reason: disruptionsAllowed ? 'SufficientPods' : 'InsufficientPods' },
    ])
  })

  it('does not count pods that are not ready, are ending, or are being evicted', () => {
    const { model } = withBudget({ minAvailable: 1 }, [{}, { status: {} }, { metadata: { deletionTimestamp: 'x' } as never }, {}])
    model.change(
      'PodDisruptionBudget',
      'default/web',
      ({ status }) => void (status!.disruptedPods = { p0: '2026-01-01T00:00:00Z' }),
    )
    model.settle(disruption)
    expect(model.get('PodDisruptionBudget', 'default/web')?.status).toMatchObject({ currentHealthy: 1, disruptionsAllowed: 0 })
    model.now = new Date('2026-01-01T00:02:00Z')
    model.settle(disruption)
    expect(model.get('PodDisruptionBudget', 'default/web')?.status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 })
  })

  it('allows nothing when it cannot know how many there should be', () => {
    const owner = { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'u', controller: true }
    const { status, model } = withBudget({ maxUnavailable: 1 }, [{ metadata: { ownerReferences: [owner] } as never }])
    expect(status).toMatchObject({ disruptionsAllowed: 0, conditions: [{ reason: 'SyncFailed' }] })
    expect(model.events[0]?.reason).toBe('CalculateExpectedPodCountFailed')
  })

  it('counts no pods that nobody keeps, and says so', () => {
    const { status, model } = withBudget({ maxUnavailable: 1 }, [{ metadata: { ownerReferences: [] } as never }])
    expect(status).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0, conditions: [{ reason: 'InsufficientPods' }] })
    expect(model.events.map(({ reason }) => reason)).toContain('UnmanagedPods')
    expect(model.events[0]?.message).toMatch(
      /\(selector: &LabelSelector\{MatchLabels:map\[string\]string\{.*,\},MatchExpressions:/,
    )
  })
})
