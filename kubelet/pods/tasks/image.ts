/** The image of one container: asked for before each start; what its status tells while it cannot be had. */
import type { Container } from '../../../api/generated/types.ts'
import { findContainer } from '../plan-pod.ts'
import type { ImageFact } from '../pod-facts.ts'
import { type PodScope, pullSecrets } from './pod-scope.ts'

export async function ensureImage(scope: PodScope, name: string): Promise<void> {
  const { state, context, pulls } = scope
  const container = findContainer(state.pod, name)
  if (!container) return
  const secrets = await pullSecrets(scope)
  const before = state.images.get(name)?.failure
  if (before?.reason === 'ErrImagePull' || before?.reason === 'ImagePullBackOff') state.waiting.set(name, before)
  const fact = await context.images.ensure(state.pod, container, secrets, pulls.signal)
  // Meanwhile the pod has been given another image: this one is of no interest.
  if (findContainer(state.pod, name)?.image !== container.image) return
  state.images.set(name, fact)
  if (fact.failure) {
    state.waiting.set(name, fact.failure)
    backOff(scope, name, container, fact)
  } else if (isImageReason(state.waiting.get(name)?.reason)) state.waiting.delete(name)
}

/** The status tells of the failure for a moment, then that the kubelet waits. */
function backOff({ state, context, hooks }: PodScope, name: string, container: Container, fact: ImageFact): void {
  if (fact.failure?.reason !== 'ErrImagePull') return
  const message = `Back-off pulling image "${container.image}": ErrImagePull: ${fact.failure.message}`
  context.clock.setTimeout(() => {
    if (state.images.get(name) !== fact) return
    state.waiting.set(name, { reason: 'ImagePullBackOff', message })
    context.events.container(state.pod, container, 'Normal', 'BackOff', `Back-off pulling image "${container.image}"`)
    context.events.container(state.pod, container, 'Warning', 'Failed', 'Error: ImagePullBackOff')
    hooks.wake()
  }, 1000)
}

const isImageReason = (reason: string | undefined): boolean =>
  reason !== undefined && ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'].includes(reason)
