/** The scale subresource of whatever an autoscaler names; custom resources may be scaled too, so discovery knows where. */
import type { V2CrossVersionObjectReference, V2HorizontalPodAutoscaler } from '../../../api/generated/types.ts'
import { isNotFound } from '../../../api/status.ts'
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

interface Resource {
  /** `/apis/apps/v1` */
  root: string
  resource: string
  /** `deployments.apps` */
  qualified: string
}

/**
 * In whatever version the group has it, as upstream: a reference to `apps/v1beta2` from years ago still finds its Deployment.
 * A version in which it can be scaled is preferred.
 */
async function findResource(client: ApiClient, { apiVersion = 'v1', kind }: V2CrossVersionObjectReference): Promise<Resource> {
  const group = groupOf(apiVersion)
  let found: Resource | undefined
  for (const root of await versionsOf(client, group)) {
    const { resources } = await client.raw<{ resources: { name: string; kind: string }[] }>('GET', root)
    const resource = resources.find((each) => each.kind === kind && !each.name.includes('/'))?.name
    if (!resource) continue
    const here = { root, resource, qualified: group ? `${resource}.${group}` : resource }
    if (resources.some(({ name }) => name === `${resource}/scale`)) return here
    found ??= here
  }
  if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`)
  return found
}

function groupOf(apiVersion: string): string {
  const parts = apiVersion.split('/')
  if (parts.length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`)
  return parts.length === 2 ? parts[0]! : ''
}

/** The paths of a group's versions, the preferred one first; none when nobody serves it. */
async function versionsOf(client: ApiClient, group: string): Promise<string[]> {
  if (group === '') return ['/api/v1']
  const path = `/apis/${encodeURIComponent(group)}`
  try {
    const { preferredVersion, versions } = await client.raw<ApiGroup>('GET', path)
    const all = [preferredVersion, ...versions].map(({ groupVersion }) => `/apis/${groupVersion}`)
    return [...new Set(all)]
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

interface ApiGroup {
  preferredVersion: { groupVersion: string }
  versions: { groupVersion: string }[]
}
