/** A pod: where it runs, what its containers are and do. */
import { ageOf } from '../../api/duration.ts'
import type { Pod } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'
import { describeContainers, describeScheduling, describeSeccomp, describeSpread } from './pod-template.ts'
import { describeVolumes } from './volumes.ts'

export const podDescriber: Describer<Pod> = {
  kind: 'Pod',
  group: '',
  describe(pod, _, events, now) {
    const { metadata, spec, status = {} } = pod
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    if (spec.priority !== undefined) page.line(0, 'Priority:', spec.priority)
    if (spec.priorityClassName) page.line(0, 'Priority Class Name:', spec.priorityClassName)
    if (spec.runtimeClassName) page.line(0, 'Runtime Class Name:', spec.runtimeClassName)
    if (spec.serviceAccountName) page.line(0, 'Service Account:', spec.serviceAccountName)
    page.line(0, 'Node:', spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>')
    if (status.startTime) page.line(0, 'Start Time:', formatDate(status.startTime))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    describePhase(page, pod, now)
    describeSeccomp(page, 0, spec.securityContext?.seccompProfile)
    page.line(0, 'IP:', status.podIP ?? '')
    if (status.podIPs?.length) {
      page.line(0, 'IPs:')
      for (const { ip } of status.podIPs) page.line(1, 'IP:', ip)
    } else {
      page.line(0, 'IPs:', '<none>')
    }
    page.controlledBy(pod)
    if (status.nominatedNodeName) page.line(0, 'NominatedNodeName:', status.nominatedNodeName)
    if (spec.initContainers?.length)
      describeContainers(page, 0, 'Init Containers', spec.initContainers, status.initContainerStatuses ?? [], metadata)
    describeContainers(page, 0, 'Containers', spec.containers, status.containerStatuses ?? [], metadata)
    if (spec.ephemeralContainers?.length)
      describeContainers(
        page,
        0,
        'Ephemeral Containers',
        spec.ephemeralContainers,
        status.ephemeralContainerStatuses ?? [],
        metadata,
      )
    if (spec.readinessGates?.length) page.line(0, 'Readiness Gates:').line(1, 'Type', 'Status')
    for (const { conditionType } of spec.readinessGates ?? []) {
      const condition = status.conditions?.find(({ type }) => type === conditionType)
      page.line(1, `${conditionType} `, `${condition?.status ?? '<none>'} `)
    }
    if (status.conditions?.length) {
      page.line(0, 'Conditions:').line(1, 'Type', 'Status')
      for (const { type, status: value } of status.conditions) page.line(1, `${type} `, `${value} `)
    }
    describeVolumes(page, 0, spec.volumes)
    if (status.qosClass) page.line(0, 'QoS Class:', status.qosClass)
    describeScheduling(page, 0, spec)
    describeSpread(page, 0, spec)
    return describeEvents(page, events, now).toString()
  },
}

function describePhase(page: Page, { metadata, status = {} }: Pod, now: Date): void {
  if (metadata.deletionTimestamp && status.phase !== 'Failed' && status.phase !== 'Succeeded') {
    page.line(0, 'Status:', `Terminating (lasts ${ageOf(metadata.deletionTimestamp, now)})`)
    page.line(0, 'Termination Grace Period:', `${metadata.deletionGracePeriodSeconds ?? 0}s`)
  } else {
    page.line(0, 'Status:', status.phase)
  }
  if (status.reason) page.line(0, 'Reason:', status.reason)
  if (status.message) page.line(0, 'Message:', status.message)
}
