/** DefaultBinder: the pod gets its node by its `binding` subresource. */
import type { SchedulerPlugin } from '../framework.ts'

export const defaultBinder: SchedulerPlugin = {
  name: 'DefaultBinder',
  async bind({ pod }, node, client, cause) {
    const { namespace, name, uid } = pod.metadata
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: node },
    }
    await client.createSubresource('Pod', { namespace, name }, 'binding', binding, { cause })
  },
}
