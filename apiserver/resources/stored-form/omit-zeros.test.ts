import { expect, test } from 'vitest'
import { omitZerosOf } from './omit-zeros.ts'

const spec = (members: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [], ...members },
})
const container = (members: object) => spec({ containers: [{ name: 'c', ...members }] })
const claim = (members: object) => spec({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c', ...members } }] })

test.each([
  ['a false that is no pointer in Go goes', claim({ readOnly: false }), claim({})],
  ['so does an empty text', container({ workingDir: '' }), container({})],
  ['and an empty list or map', container({ args: [], resources: { limits: {} } }), container({ resources: {} })],
  ['a false behind a pointer is a choice', spec({ automountServiceAccountToken: false }), undefined],
  ['so is an empty struct behind one', spec({ volumes: [{ name: 'v', emptyDir: {} }] }), undefined],
  ['what must be there stays', container({ env: [{ name: '' }] }), undefined],
  [
    'a number of a status is left alone',
    { ...spec({}), status: { hostIP: '', containerStatuses: [{ name: 'c', ready: false, restartCount: 0 }] } },
    undefined,
  ],
  [
    'and an empty list or map in it goes',
    { ...spec({}), status: { conditions: [], podIPs: [], containerStatuses: [{ name: 'c', allocatedResources: {} }] } },
    { ...spec({}), status: { containerStatuses: [{ name: 'c' }] } },
  ],
])('%s', (_, object, expected = structuredClone(object)) => {
  omitZerosOf('v1', 'Pod', 'Pod')!(object as unknown as Record<string, unknown>)
  expect(object).toEqual(expected)
})

test.each([
  ['rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [] }],
  ['discovery.k8s.io/v1', 'EndpointSlice', { endpoints: [], ports: [] }],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', { status: { conditions: [], storedVersions: [] } }],
])('%s %s keeps lists that Go writes although nobody has to send them', (apiVersion, kind, object) => {
  const stored = structuredClone(object) as Record<string, unknown>
  omitZerosOf(apiVersion, kind, kind)!(stored)
  expect(stored).toEqual(object)
})

test('a schema is read wherever it is, and what may be false or nothing in it stays', () => {
  const schema = (more: object) => ({
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'string', default: '', ...more }, 'x-kubernetes-preserve-unknown-fields': false },
    },
    additionalProperties: false,
  })
  const definition = (more: object) => ({ spec: { versions: [{ served: false, schema: { openAPIV3Schema: schema(more) } }] } })
  const object = definition({ nullable: false, required: [], properties: { b: { description: '', minimum: 0 } } })
  omitZerosOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'CustomResourceDefinition')!(object)
  expect(object).toEqual(definition({ properties: { b: { minimum: 0 } } }))
})

test('kinds whose Go types are not known are left as they are', () => {
  expect(omitZerosOf('example.com/v1', 'Widget', 'Widget')).toBeUndefined()
})
