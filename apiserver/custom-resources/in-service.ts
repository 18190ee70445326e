/** Takes custom resources into service and out of it: a place in the store for their objects, their versions among what is served. */
import type { CustomResourceDefinition } from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { storagePrefix, toStoredResource } from '../served-resources.ts'
import { convertByWebhook } from '../webhooks/convert-by-webhook.ts'
import { isTrue } from './accept-names.ts'
import { toDefinitions } from './to-definition.ts'

export interface InService {
  /** Serves it as it is now, or no longer when it is not established. */
  put(definition: CustomResourceDefinition, before: CustomResourceDefinition | undefined): void
  withdraw(definition: CustomResourceDefinition): void
}

type Selectable = Record<string, (object: KubeObject) => string>

export function createInService({ store, resources, webhookClient }: ApiContext): InService {
  /** Where the objects of each are, by the name of its definition. */
  const prefixes = new Map<string, string>()

  const leaveStore = (name: string) => {
    const prefix = prefixes.get(name)
    if (prefix !== undefined) store.unregister(prefix)
    prefixes.delete(name)
  }

  const versionsOf = (definition: CustomResourceDefinition) => {
    const { strategy, webhook } = definition.spec.conversion ?? {}
    const versions = toDefinitions(definition)
    return strategy === 'Webhook' && webhook ? versions.map((each) => convertByWebhook(each, webhook, webhookClient)) : versions
  }

  const withdraw = ({ metadata, spec }: CustomResourceDefinition) => {
    if (!prefixes.has(metadata.name)) return
    resources.remove(spec.group, spec.names.plural)
    leaveStore(metadata.name)
  }

  return {
    withdraw,
    put(definition, before) {
      const { name } = definition.metadata
      const versions = isTrue(definition.status?.conditions, 'Established') ? versionsOf(definition) : []
      const [first] = versions
      if (!first) return withdraw(definition)
      // Whoever watches objects as an older schema shows them must list again: the store ends those watches.
      if (!before || !deepEqual(before.spec.versions, definition.spec.versions)) leaveStore(name)
      if (!prefixes.has(name)) {
        const selectableFields: Selectable = Object.assign({}, ...versions.map((each) => each.selectableFields))
        store.register(toStoredResource({ ...first, selectableFields }))
        prefixes.set(name, storagePrefix(first))
      }
      resources.add(...versions)
    },
  }
}
