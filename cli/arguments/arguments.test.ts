import { describe, expect, test } from 'vitest'
import { KINDS } from '../../api/kinds.ts'
import { splitChanges } from '../commands/label.ts'
import { CliError } from '../errors.ts'
import { parseManifest } from './manifests.ts'
import { parseReferences, parseSelections } from './object-arguments.ts'
import { matchName, pathOf, type ResourceType, type ResourceTypes } from './resource-types.ts'

const all: ResourceType[] = KINDS.map((info) => ({ ...info, version: info.versions[0], verbs: [] }))
const types: ResourceTypes = {
  discover: () => Promise.resolve(all),
  inCategory: (name) => (name === 'all' ? all.filter(({ categories }) => categories.includes('all')) : []),
  find: (name) => {
    const type = matchName(all, name)
    return type ? Promise.resolve(type) : Promise.reject(new CliError(`the server doesn't have a resource type "${name}"`))
  },
  ofKind: (_, kind) => Promise.resolve(all.find((type) => type.kind === kind)!),
}

describe('the name of a type', () => {
  test.each([
    ['po', 'Pod'],
    ['pods', 'Pod'],
    ['Pod', 'Pod'],
    ['deploy', 'Deployment'],
    ['deployments.apps', 'Deployment'],
    ['deployments.v1.apps', 'Deployment'],
    ['ingress.networking', 'Ingress'],
    ['ing.networking.k8s.io', 'Ingress'],
    ['events', 'Event'],
  ])('%s', (name, kind) => {
    expect(matchName(all, name)?.kind).toBe(kind)
  })

  test('of another group is none', () => {
    expect(matchName(all, 'pods.apps')).toBeUndefined()
  })
})

describe('what stands on the command line', () => {
  const shown = async (...args: string[]) => (await parseSelections(args, types)).map(({ type, names }) => [type.kind, names])

  test('a type, with names or without', async () => {
    expect(await shown('pods')).toEqual([['Pod', []]])
    expect(await shown('pods', 'a', 'b')).toEqual([['Pod', ['a', 'b']]])
    expect(await shown('po,svc')).toEqual([
      ['Pod', []],
      ['Service', []],
    ])
    expect(await shown('pod/a', 'deploy/b')).toEqual([
      ['Pod', ['a']],
      ['Deployment', ['b']],
    ])
    expect((await shown('all')).map(([kind]) => kind)).toContain('ReplicaSet')
  })

  test.each([
    [['pod/a/b'], 'arguments in resource/name form may not have more than one slash'],
    [['pod/'], 'arguments in resource/name form must have a single resource and name'],
    [['nope'], 'the server doesn\'t have a resource type "nope"'],
  ])('%j is refused', async (args, message) => {
    await expect(parseSelections(args, types)).rejects.toThrow(message)
  })

  test('commands on single objects need a name', async () => {
    await expect(parseReferences(['pods'], types)).rejects.toThrow('resource(s) were provided, but no name was specified')
  })
})

test('changes of labels follow the objects', () => {
  expect(splitChanges(['pod', 'web', 'a=b', 'c-', 'example.com/x=y='])).toEqual({
    objects: ['pod', 'web'],
    changes: { set: { a: 'b', 'example.com/x': 'y=' }, remove: ['c'] },
  })
  expect(splitChanges(['pod/web', 'example.com/x-']).changes.remove).toEqual(['example.com/x'])
  expect(() => splitChanges(['pod', 'web', 'a=b', 'a-'])).toThrow('can not both modify and remove')
})

test('paths leave out what a type does not have', () => {
  const node = matchName(all, 'nodes')!
  const deployment = matchName(all, 'deploy')!
  expect(pathOf(node, { namespace: 'default', name: 'a' })).toBe('/api/v1/nodes/a')
  expect(pathOf(deployment, { namespace: 'default', name: 'a', subresource: 'scale' })).toBe(
    '/apis/apps/v1/namespaces/default/deployments/a/scale',
  )
})

describe('manifests', () => {
  test('many documents, lists taken apart, empty ones left out', () => {
    const text = `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: b}}
- {apiVersion: v1, kind: Pod, metadata: {name: c}}
`
    expect(parseManifest(text, 'x').map(({ kind, metadata }) => [kind, metadata['name']])).toEqual([
      ['ConfigMap', 'a'],
      ['Pod', 'b'],
      ['Pod', 'c'],
    ])
  })

  test('values are what Go reads them as', () => {
    const [object] = parseManifest(
      '{apiVersion: v1, kind: X, mode: 0644, on: yes, date: 2026-01-02, time: 1:30, text: "yes"}',
      'x',
    )
    expect(object).toMatchObject({ mode: 420, date: '2026-01-02', time: '1:30', text: 'yes' })
  })

  test.each([
    ['kind: Pod', `error validating "x": Object 'apiVersion' is missing in '{"kind":"Pod"}'`],
    ['apiVersion: v1', `error validating "x": Object 'Kind' is missing in '{"apiVersion":"v1"}'`],
    ['a: [', 'error parsing x: error converting YAML to JSON'],
  ])('%s is refused', (text, message) => {
    expect(() => parseManifest(text, 'x')).toThrow(message)
  })
})
