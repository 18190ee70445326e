import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../api/json.ts'
import { LAST_APPLIED } from '../../api/patch/last-applied.ts'
import { computeApplyPatch, withLastApplied } from './client-side-apply.ts'
import type { KubeJson } from '../arguments/manifests.ts'
import type { ResourceType } from '../arguments/resource-types.ts'

const deploymentType = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments' } as ResourceType
const deployment = (replicas: number, ...env: string[]): KubeJson => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas, template: { spec: { containers: [{ name: 'c', env: env.map((name) => ({ name })) }] } } },
})

describe('client-side apply', () => {
  test('what was applied is remembered, members in order, its own annotation left out', () => {
    const once = withLastApplied(deployment(1))
    const text = (once.metadata['annotations'] as JsonObject)[LAST_APPLIED] as string
    expect(text).toMatch(/^\{"apiVersion":"apps\/v1","kind":"Deployment","metadata":\{"annotations":\{\},"name":"web"\},"spec":/)
    expect(withLastApplied(once)).toEqual(once)
  })

  test('applying the same again is nothing', () => {
    const live = { ...withLastApplied(deployment(1, 'A')), status: { replicas: 1 } }
    expect(computeApplyPatch(live, deployment(1, 'A'), deploymentType).patch).toEqual({})
  })

  test('what is no longer said is taken away, what others said stays', () => {
    const live = withLastApplied(deployment(1, 'A')) as JsonObject
    const { patch, contentType } = computeApplyPatch({ ...live, status: {} }, deployment(2, 'B'), deploymentType)
    expect(contentType).toBe('application/strategic-merge-patch+json')
    expect(patch['spec']).toEqual({
      replicas: 2,
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'c' }],
          containers: [
            { name: 'c', '$setElementOrder/env': [{ name: 'B' }], env: [{ name: 'B' }, { name: 'A', $patch: 'delete' }] },
          ],
        },
      },
    })
  })

  test('custom resources get merge patches', () => {
    const type = { group: 'example.com', version: 'v1', kind: 'CronTab', plural: 'crontabs' } as ResourceType
    const object: KubeJson = { apiVersion: 'example.com/v1', kind: 'CronTab', metadata: { name: 'x' }, spec: { list: [1] } }
    expect(computeApplyPatch({ ...withLastApplied(object), spec: { list: [2] } }, object, type)).toEqual({
      contentType: 'application/merge-patch+json',
      patch: { spec: { list: [1] } },
    })
  })
})
