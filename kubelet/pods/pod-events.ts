/** The kubelet's events about pods, with the field path of the container that they are about. */
import type { Container, Pod } from '../../api/generated/types.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import { causeOf } from '../../client/cause.ts'

export type EventType = 'Normal' | 'Warning'

export interface PodEvents {
  pod(pod: Pod, type: EventType, reason: string, message: string): void
  container(pod: Pod, container: Pick<Container, 'name'>, type: EventType, reason: string, message: string): void
}

export const createPodEvents = (recorder: Pick<EventRecorder, 'event'>): PodEvents => ({
  pod: (pod, type, reason, message) => recorder.event(pod, type, reason, message, { cause: causeOf('Pod', pod) }),
  container: (pod, container, type, reason, message) =>
    recorder.event(pod, type, reason, message, { cause: causeOf('Pod', pod), fieldPath: fieldPath(pod, container) }),
})

function fieldPath({ spec }: Pod, { name }: Pick<Container, 'name'>): string {
  if (spec.initContainers?.some((container) => container.name === name)) return `spec.initContainers{${name}}`
  if (spec.ephemeralContainers?.some((container) => container.name === name)) return `spec.ephemeralContainers{${name}}`
  return `spec.containers{${name}}`
}
