import { describe, expect, test } from 'vitest'
import { KINDS } from '../kinds.ts'
import { decode } from './decode.ts'
import { findDuplicateFields } from './duplicate-fields.ts'
import { namedFields, namedModels } from './list-strategies.ts'
import { hasModel, modelNames, modelOf, modelsOf } from './models.ts'

const podWith = (spec: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec })
const container = (more: object) => podWith({ containers: [{ name: 'c', ...more }] })

describe('what does not fit is refused in the words of Go’s decoder', () => {
  const inPod = 'json: cannot unmarshal'
  test.each([
    ['Pod', podWith({ containers: 'x' }), `${inPod} string into Go struct field PodSpec.spec.containers of type []v1.Container`],
    ['Pod', podWith({ containers: ['x'] }), `${inPod} string into Go struct field PodSpec.spec.containers of type v1.Container`],
    [
      'Pod',
      container({ env: [{ name: 'A', value: 1 }] }),
      `${inPod} number into Go struct field EnvVar.spec.containers.env.value of type string`,
    ],
    ['Pod', podWith({ hostNetwork: 'yes' }), `${inPod} string into Go struct field PodSpec.spec.hostNetwork of type bool`],
    ['Pod', { metadata: { labels: { a: 1 } } }, `${inPod} number into Go struct field ObjectMeta.metadata.labels of type string`],
    ['Pod', { metadata: [] }, `${inPod} array into Go struct field Pod.metadata of type v1.ObjectMeta`],
    ['Pod', [], `${inPod} array into Go value of type v1.Pod`],
    [
      'Deployment',
      { spec: { replicas: '3' } },
      `${inPod} string into Go struct field DeploymentSpec.spec.replicas of type int32`,
    ],
    [
      'Deployment',
      { spec: { replicas: 1.5 } },
      `${inPod} number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32`,
    ],
    ['Service', { spec: { ports: [{ targetPort: true }] } }, `${inPod} bool into Go value of type int32`],
    [
      'Pod',
      { metadata: { creationTimestamp: 'x' } },
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
    ['Secret', { data: { a: 'not base64' } }, 'illegal base64 data at input byte 3'],
    [
      'Pod',
      container({ resources: { limits: { cpu: 'lots' } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])('%s %j', (model, value, message) => {
    expect(() => decode(model, value)).toThrow(expect.objectContaining({ message }))
  })
})

test('unknown fields are dropped and named', () => {
  const { object, strictErrors } = decode('Pod', { ...container({ imagee: 'a' }), foo: 1 })
  expect(object).toEqual(container({}))
  expect(strictErrors).toEqual(['unknown field "spec.containers[0].imagee"', 'unknown field "foo"'])
})

test('nulls are zero values', () => {
  const value = {
    metadata: { name: 'x', creationTimestamp: null, labels: { a: null } },
    spec: { nodeName: null, containers: [null], volumes: null },
  }
  expect(decode('Pod', value).object).toEqual({ metadata: { name: 'x', labels: { a: '' } }, spec: { containers: [{}] } })
})

test('metadata leaves out what is empty, and the update that resets managed fields says so with an empty list', () => {
  const empty = { name: 'x', labels: {}, annotations: {}, finalizers: [], ownerReferences: [], managedFields: [] }
  expect(decode('ConfigMap', { metadata: { ...empty } }).object).toEqual({ metadata: { name: 'x', managedFields: [] } })
  const template = { metadata: { labels: {} }, spec: { containers: [] } }
  expect(decode('Deployment', { spec: { template } }).object).toEqual({
    spec: { template: { metadata: {}, spec: { containers: [] } } },
  })
})

test('quantities and times take their canonical form, wherever they stand', () => {
  const value = {
    metadata: { creationTimestamp: '2026-01-01T01:00:00.5+01:00' },
    spec: {
      overhead: { cpu: 0.5 },
      containers: [{ name: 'c', resources: { limits: { cpu: 1, memory: '1024Mi' } } }],
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '0.5Gi' } }],
    },
  }
  expect(decode('Pod', value).object).toMatchObject({
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      overhead: { cpu: '500m' },
      containers: [{ resources: { limits: { cpu: '1', memory: '1Gi' } } }],
      volumes: [{ emptyDir: { sizeLimit: '512Mi' } }],
    },
  })
})

test('what has no schema is kept as it is', () => {
  const value = { data: { a: [1, { b: null }] } }
  expect(decode('ControllerRevision', value).object).toEqual({ data: { a: [1, { b: null }] } })
})

test('every kind has a model, and every named field exists', () => {
  expect(KINDS.flatMap((info) => Object.values(modelsOf(info))).filter((model) => !hasModel(model))).toEqual([])
  const bare = new Map(modelNames().map((name) => [name.replace(/^V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])/, ''), name]))
  const missing = namedFields().filter((path) => {
    const [model = '', ...field] = path.split('.')
    return !(hasModel(model) && field.join('.') in modelOf(model).fields) && !bare.has(model)
  })
  expect(missing).toEqual([])
  expect(namedModels().filter((model) => !hasModel(model))).toEqual([])
})

const duplicatesIn = (text: string) => findDuplicateFields(text, JSON.parse(text))

test('duplicate members are named', () => {
  const text = '{"a":{"b":1,"b":"\\"b\\":2","c":[{"d":1},{"d":1,"d":2}]},"e":"a","a":2}'
  expect(duplicatesIn(text)).toEqual(['duplicate field "a.b"', 'duplicate field "a.c[1].d"', 'duplicate field "a"'])
  expect(duplicatesIn('{"a":["a","a",{}],"b":{}}')).toEqual([])
  expect(duplicatesIn('{"a":{"b:":1},"a":{"c":":"}}')).toEqual(['duplicate field "a"'])
  expect(duplicatesIn('{"__proto__":{"a":1},"__proto__":{"a":1}}')).toEqual(['duplicate field "__proto__"'])
  expect(duplicatesIn('{"__proto__":{"a":null},"b:\\"":[":",{"1":2}]}')).toEqual([])
})
