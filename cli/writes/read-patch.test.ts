import { expect, test } from 'vitest'
import { applyLocally, parsePatch } from './read-patch.ts'

test('patches as users write them', async () => {
  expect(parsePatch('spec: {replicas: 2}')).toEqual({ spec: { replicas: 2 } })
  expect(parsePatch('{"a"')).toBe('{"a"')
  const type = {
    group: 'x.io',
    version: 'v1',
    kind: 'X',
    plural: 'xs',
    singular: 'x',
    shortNames: [],
    namespaced: true,
    verbs: [],
    categories: [],
  }
  expect(await applyLocally({ a: 1 }, { b: 2 }, 'merge', type)).toEqual({ a: 1, b: 2 })
  await expect(applyLocally({ a: 1 }, { b: 2 }, 'strategic', type)).rejects.toThrow('not supported for custom resources')
})
