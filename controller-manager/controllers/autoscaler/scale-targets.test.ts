import { describe, expect, it } from 'vitest'
import type { V2HorizontalPodAutoscaler } from '../../../api/generated/types.ts'
import { unknownPath } from '../../../api/status.ts'
import type { ApiClient } from '../../../client/api-client.ts'
import { createScaleTargets } from './scale-targets.ts'

const versions = (group: string, ...names: string[]) => ({
  preferredVersion: { groupVersion: `${group}/${names[0]}` },
  versions: names.map((name) => ({ groupVersion: `${group}/${name}` })),
})
const resources = (...names: string[]) => ({
  resources: names.map((name) => ({ name, kind: name.startsWith('deployments') ? 'Deployment' : 'Widget' })),
})
const served: Record<string, unknown> = {
  '/api/v1': { resources: [{ name: 'replicationcontrollers', kind: 'ReplicationController' }] },
  '/apis/apps': versions('apps', 'v1'),
  '/apis/apps/v1': resources('deployments', 'deployments/scale'),
  '/apis/example.com': versions('example.com', 'v2', 'v1'),
  '/apis/example.com/v2': resources('widgets'),
  '/apis/example.com/v1': resources('widgets', 'widgets/scale'),
}

/** Answers discovery; of anything else it tells the path. */
const client = {
  raw: async (_: string, path: string) => {
    if (path.endsWith('/scale')) return { path }
    if (!served[path]) throw unknownPath()
    return served[path]
  },
} as unknown as ApiClient

const targetOf = (apiVersion: string | undefined, kind: string) => {
  const hpa = { metadata: { namespace: 'shop' }, spec: { scaleTargetRef: { apiVersion, kind, name: 'web' } } }
  return createScaleTargets(client).read(hpa as V2HorizontalPodAutoscaler, new AbortController().signal)
}

describe('the target of an autoscaler', () => {
  it.each([
    ['in the version that is named', 'apps/v1', 'Deployment', '/apis/apps/v1/namespaces/shop/deployments/web/scale'],
    [
      'in the one there is, when the named one has gone',
      'apps/v1beta2',
      'Deployment',
      '/apis/apps/v1/namespaces/shop/deployments/web/scale',
    ],
    ['in the one that can be scaled', 'example.com/v2', 'Widget', '/apis/example.com/v1/namespaces/shop/widgets/web/scale'],
    ['in the core group', undefined, 'ReplicationController', '/api/v1/namespaces/shop/replicationcontrollers/web/scale'],
  ])('is found %s', async (_, apiVersion, kind, path) => {
    expect(await targetOf(apiVersion, kind)).toEqual({ path })
  })

  it.each([
    ['of a kind that the group does not have', 'apps/v1', 'Nothing', 'no matches for kind "Nothing" in group "apps"'],
    ['in a group that nobody serves', 'nobody.io/v1', 'Deployment', 'no matches for kind "Deployment" in group "nobody.io"'],
    ['in what is no version', 'a/b/c', 'Deployment', 'unexpected GroupVersion string: a/b/c'],
  ])('is not found %s', async (_, apiVersion, kind, message) => {
    await expect(targetOf(apiVersion, kind)).rejects.toThrow(message)
  })
})
