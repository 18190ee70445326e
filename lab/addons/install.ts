/** Puts the addons into the cluster by server-side apply: the same on every start, and a person's own changes beside ours stay. */
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { dnsObjects } from './dns.ts'
import type { Installation } from './host-program.ts'
import { ingressClass } from './ingress.ts'
import { metricsObjects } from './metrics.ts'
import { networkPolicyObjects } from './network-policy.ts'
import { storageObjects } from './storage.ts'

/** Every addon, in the order in which they come. */
const ADDONS: readonly ((installation: Installation) => KubeObject[])[] = [
  networkPolicyObjects,
  metricsObjects,
  storageObjects,
  dnsObjects,
  ingressClass,
]

export const installAddons = (client: ApiClient, installation: Installation): Promise<void> =>
  applyObjects(
    client,
    ADDONS.flatMap((addon) => addon(installation)),
  )

export async function applyObjects(client: ApiClient, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const { name, namespace } = object.metadata
    await client.patch(object.kind as KindName, { name, namespace }, object, {
      type: 'application/apply-patch+yaml',
      fieldManager: 'kubelab-addons',
      force: true,
    })
  }
}
