import { expect, test } from 'vitest'
import { negotiate, type ViewName } from './negotiate.ts'

const KUBECTL_GET =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'
const METADATA = (media: string) => `application/${media};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`
const tables: ViewName[] = ['Table']
const metadata: ViewName[] = ['Table', 'PartialObjectMetadata']

test.each([
  [undefined, tables, { format: 'json' }],
  ['*/*', tables, { format: 'json' }],
  ['application/vnd.kubernetes.protobuf,application/json', tables, { format: 'json' }],
  ['application/vnd.kubernetes.protobuf', tables, { format: 'protobuf' }],
  ['application/vnd.kubernetes.protobuf, */*', tables, { format: 'json' }],
  [`${METADATA('vnd.kubernetes.protobuf')},application/json`, metadata, { format: 'protobuf', as: 'PartialObjectMetadata' }],
  [
    `${METADATA('vnd.kubernetes.protobuf')},${METADATA('json')},application/json`,
    metadata,
    { format: 'json', as: 'PartialObjectMetadata' },
  ],
  [
    'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/vnd.kubernetes.protobuf',
    tables,
    { format: 'protobuf' },
  ],
  ['application/json, text/html;q=0.5', tables, { format: 'json' }],
  ['application/yaml', tables, { format: 'yaml' }],
  [KUBECTL_GET, tables, { format: 'json', as: 'Table', asVersion: 'v1' }],
  [KUBECTL_GET, [] as ViewName[], { format: 'json' }],
])('Accept %s is answered with the first form that is served', (accept, views, expected) => {
  expect(negotiate(accept, views)).toMatchObject(expected)
})

test.each([
  'text/html',
  'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
])('Accept %s alone is not acceptable where it is not served', (accept) => {
  expect(() => negotiate(accept, [])).toThrow(
    /only the following media types are accepted: application\/json, application\/yaml, application\/vnd.kubernetes.protobuf$/,
  )
})
