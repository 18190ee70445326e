/** The scale subresource of whatever an autoscaler names; custom resources may be scaled too, so discovery knows where. */
import type { V2CrossVersionObjectReference, V2HorizontalPodAutoscaler } from '../../../api/generated/types.ts'
import type { ApiClient } from '../../../client/api-client.ts'
import type { Scale } from './plan.ts'

export interface ScaleTargets {
  read(hpa: V2HorizontalPodAutoscaler, signal: AbortSignal): Promise<Scale>
  write(hpa: V2HorizontalPodAutoscaler, scale: Scale, options: { cause: string; signal: AbortSignal }): Promise<void>
  /** `deployments.apps` */
  qualifiedName(reference: V2CrossVersionObjectReference): Promise<string>
}

export function createScaleTargets(client: ApiClient): ScaleTargets {
  const pathOf = async ({ spec: { scaleTargetRef }, metadata }: V2HorizontalPodAutoscaler) => {
    const { root, resource } = await findResource(client, scaleTargetRef)
    return `${root}/namespaces/${metadata.namespace}/${resource}/${scaleTargetRef.name}/scale`
  }
  return {
    read: async (hpa, signal) => client.raw<Scale>('GET', await pathOf(hpa), { signal }),
    async write(hpa, scale, options) {
      await client.raw('PUT', await pathOf(hpa), { body: scale, ...options })
    },
    qualifiedName: async (reference) => (await findResource(client, reference)).qualified,
  }
}

async function findResource(client: ApiClient, { apiVersion = 'v1', kind }: V2CrossVersionObjectReference) {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const { resources } = await client.raw<{ resources: { name: string; kind: string }[] }>('GET', root)
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'))
  if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(apiVersion.split('/')[0])}`)
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return { root, resource: found.name, qualified: group ? `${found.name}.${group}` : found.name }
}
