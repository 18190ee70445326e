/** A pod: where it runs, what its containers are and do. */
import type { Pod } from '../../api/generated/types.ts'
import { controllerOf } from '../../api/object.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'
import { describeContainers, describeScheduling, describeSpread } from './pod-template.ts'
import { describeVolumes } from './volumes.ts'

export const podDescriber: Describer<Pod> = {
  kind: 'Pod',
  group: '',
  describe(pod, _, events, now) {
    const { metadata, spec, status = {} } = pod
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'Priority:', spec.priority ?? 0)
    if (spec.priorityClassName) page.line(0, 'Priority Class Name:', spec.priorityClassName)
    if (spec.runtimeClassName) page.line(0, 'Runtime Class Name:', spec.runtimeClassName)
    page.line(0, 'Service Account:', spec.serviceAccountName)
    page.line(0, 'Node:', spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>')
    if (status.startTime) page.line(0, 'Start Time:', formatDate(status.startTime))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    describePhase(page, pod, now)
    page.line(0, 'IP:', status.podIP ?? '')
    if (status.podIPs?.length) {
      page.line(0, 'IPs:')
      for (const { ip } of status.podIPs) page.line(1, 'IP:', ip)
    } else {
      page.line(0, 'IPs:', '<none>')
    }
    const owner = controllerOf(pod)
    if (owner) page.line(0, 'Controlled By:', `${owner.kind}/${owner.name}`)
    if (spec.initContainers?.length)
      describeContainers(page, 0, 'Init Containers', spec.initContainers, status.initContainerStatuses ?? [])
    describeContainers(page, 0, 'Containers', spec.containers, status.containerStatuses ?? [])
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
  if (metadata.deletionTimestamp) {
    const ago = Math.max(0, Math.round((now.getTime() - Date.parse(metadata.deletionTimestamp)) / 1000))
    page.line(0, 'Status:', `Terminating (lasts ${ago}s)`)
    page.line(0, 'Termination Grace Period:', `${metadata.deletionGracePeriodSeconds ?? 0}s`)
  } else {
    page.line(0, 'Status:', status.phase)
  }
  if (status.reason) page.line(0, 'Reason:', status.reason)
  if (status.message) page.line(0, 'Message:', status.message)
}
