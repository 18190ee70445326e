/** What the container runtime says of itself for the node's status; a runtime that does not answer is a fact too. */
import type { Image } from '../runtime/cri-types.ts'
import { type Cri, runtimeMessage } from '../runtime/cri-client.ts'
import type { RuntimeFacts } from './node-status.ts'

const timeoutMs = 5000

export interface RuntimeQuestions {
  facts(): Promise<RuntimeFacts>
  /** None when it does not answer. */
  images(): Promise<readonly Image[]>
}

export function createRuntimeQuestions(cri: Cri): RuntimeQuestions {
  /** It does not change without the kubelet starting again. */
  let version = ''
  return {
    async facts() {
      try {
        if (!version) {
          const answer = await cri.call('Version', {}, { timeoutMs })
          version = `${answer.runtimeName}://${answer.runtimeVersion}`
        }
        const { status } = await cri.call('Status', {}, { timeoutMs })
        return { version, problems: (status?.conditions ?? []).filter((condition) => !condition.status) }
      } catch (error) {
        const message = `container runtime is down: ${runtimeMessage(error)}`
        return { version, problems: [{ type: 'RuntimeReady', reason: 'RuntimeDown', message }] }
      }
    },
    images: () =>
      cri.call('ListImages', {}).then(
        (answer) => answer.images,
        () => [],
      ),
  }
}
