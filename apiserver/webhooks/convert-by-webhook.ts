/** A custom resource whose versions a webhook converts, as a definition: asked ahead of time, so that showing an object never waits. */
import type { WebhookConversion } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { internalError } from '../../api/status.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { convertObjects } from './conversion.ts'
import type { WebhookClient } from './webhook-client.ts'

/** Watchers of one event share an answer; a webhook that has been replaced is heard soon all the same. */
const FRESH_MS = 5_000

/** `definition` is that of one served version, as it would be without a webhook. */
export function convertByWebhook(
  definition: ResourceDefinition,
  conversion: WebhookConversion,
  client: WebhookClient,
): ResourceDefinition {
  const { group, versions, storageVersion } = definition.names
  const [version = ''] = versions
  const apiVersion = `${group}/${version}`
  const show = definition.conversions?.[version]?.fromStorage ?? ((object: KubeObject) => object)
  /** By the object in the version that it came in; gone when nobody holds that any more. */
  const converted = new WeakMap<KubeObject, { object: KubeObject; until: number }>()
  const inThisVersion = (object: KubeObject): KubeObject => {
    if (object.apiVersion === apiVersion) return object
    const known = converted.get(object)?.object
    if (!known) throw internalError(new Error(`the object has not been converted to ${apiVersion} ahead of time`))
    return known
  }
  return {
    ...definition,
    changesOnRead: true,
    // It stays in the version of the request until it is written.
    conversions: { [version]: { fromStorage: (object) => show(inThisVersion(object)), toStorage: (object) => object } },
    convert: {
      async ahead(objects) {
        const now = performance.now()
        const isKnown = (object: KubeObject) => object.apiVersion === apiVersion || (converted.get(object)?.until ?? 0) > now
        const unknown = objects.filter((object) => !isKnown(object))
        if (unknown.length === 0) return
        const answers = await convertObjects(client, conversion, apiVersion, unknown)
        unknown.forEach((object, index) => converted.set(object, { object: answers[index]!, until: now + FRESH_MS }))
      },
      async toStorage(object) {
        const [stored] = await convertObjects(client, conversion, `${group}/${storageVersion}`, [object])
        return stored!
      },
    },
  }
}
