/** A deployment: its strategy, its replica sets and how far they are. */
import type { Deployment, ReplicaSet } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import { deepEqual } from '../../api/json.ts'
import { isControlledBy } from '../../api/object.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'
import { describePodTemplate } from './pod-template.ts'

export const deploymentDescriber: Describer<Deployment, ReplicaSet[]> = {
  kind: 'Deployment',
  group: 'apps',
  read: async ({ client }, deployment) => {
    const labelSelector = formatLabelSelector(deployment.spec.selector)
    const { items } = await client.list('ReplicaSet', { namespace: deployment.metadata.namespace, labelSelector })
    return items.filter((set) => isControlledBy(set, deployment))
  },
  describe({ metadata, spec, status = {} }, sets, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'CreationTimestamp:', formatDate(metadata.creationTimestamp))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Selector:', formatLabelSelector(spec.selector))
    const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status
    page.line(
      0,
      'Replicas:',
      `${spec.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`,
    )
    page.line(0, 'StrategyType:', spec.strategy?.type)
    page.line(0, 'MinReadySeconds:', spec.minReadySeconds ?? 0)
    const rolling = spec.strategy?.rollingUpdate
    if (rolling)
      page.line(0, 'RollingUpdateStrategy:', `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`)
    describePodTemplate(spec.template, page)
    page.conditions(status.conditions)
    const current = sets.find((set) => deepEqual(withoutHash(set), spec.template))
    const old = sets.filter((set) => set !== current)
    if (sets.length > 0) {
      page.line(0, 'OldReplicaSets:', setsText(old))
      page.line(0, 'NewReplicaSet:', setsText(current ? [current] : []))
    }
    return describeEvents(page, events, now).toString()
  },
}

function withoutHash({ spec: { template } }: ReplicaSet): unknown {
  const { 'pod-template-hash': _, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, labels } }
}

const setsText = (sets: readonly ReplicaSet[]): string =>
  sets
    .map(({ metadata, spec, status }) => `${metadata.name} (${status?.replicas ?? 0}/${spec.replicas ?? 1} replicas created)`)
    .join(', ') || '<none>'
