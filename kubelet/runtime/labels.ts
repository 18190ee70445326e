/** The labels and annotations that tie what the runtime holds to its pod: they are all a restarted kubelet has to go by. */
import { createHash } from 'node:crypto'
import type { Container, Pod } from '../../api/generated/types.ts'

export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const

const annotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const

export const podLabels = ({ metadata }: Pod): Record<string, string> => ({
  [labels.podName]: metadata.name,
  [labels.podNamespace]: metadata.namespace ?? 'default',
  [labels.podUid]: metadata.uid,
})

export const containerLabels = (pod: Pod, container: Container): Record<string, string> => ({
  ...podLabels(pod),
  [labels.containerName]: container.name,
})

/** A container is made anew when this changes; as upstream, only the name and the image count. */
export const hashContainer = ({ name, image }: Container): string =>
  createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8)

/** An earlier kubelet's container without a hash counts as unchanged. */
export const isChanged = (container: Container, made: { hash: string }): boolean =>
  made.hash !== '' && made.hash !== hashContainer(container)

export const containerAnnotations = (pod: Pod, container: Container, attempt: number): Record<string, string> => ({
  [annotations.hash]: hashContainer(container),
  [annotations.restartCount]: String(attempt),
  [annotations.terminationMessagePath]: container.terminationMessagePath ?? '/dev/termination-log',
  [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
  [annotations.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
})

export const readContainerAnnotations = (values: Record<string, string>) => ({
  hash: values[annotations.hash] ?? '',
  terminationMessagePath: values[annotations.terminationMessagePath] ?? '',
  terminationMessagePolicy: values[annotations.terminationMessagePolicy] ?? '',
})

/** Seconds that a pod unknown to the API had asked for. */
export const readGracePeriod = (values: Record<string, string>): number =>
  Number(values[annotations.terminationGracePeriod] ?? 30)
