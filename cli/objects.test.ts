import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../api/json.ts'
import { LAST_APPLIED } from '../api/patch/last-applied.ts'
import { computeApplyPatch, withLastApplied } from './writes/client-side-apply.ts'
import { deploymentOf } from './commands/create/workloads.ts'
import { serviceFor } from './commands/expose.ts'
import { CommandFailed, outcomeOf } from './streams/exec-channels.ts'
import { parseEnvFile } from './arguments/key-values.ts'
import type { KubeJson } from './arguments/manifests.ts'
import {
  environmentLine,
  parseEnvironment,
  parseResources,
  referencesTo,
  withEnvironment,
  withImages,
  withResources,
} from './decisions/pod-changes.ts'
import { createPrinter } from './printers/printer.ts'
import { createTableWriter, type Table } from './printers/table.ts'
import type { ResourceType } from './arguments/resource-types.ts'

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

test('a deployment made of options', () => {
  expect(
    deploymentOf('web', ['sleep', '1'], { image: ['registry.example/team/Web_App:1@sha256:0'], replicas: '2', port: '80' }),
  ).toMatchObject({
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      template: { spec: { containers: [{ name: 'web-app', command: ['sleep', '1'], ports: [{ containerPort: 80 }] }] } },
    },
  })
})

test('a service for a deployment takes its selector and its ports', () => {
  const object = {
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 8080 }] }] } },
    },
  }
  expect(serviceFor(object, 'default', { protocol: 'TCP' })).toMatchObject({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 8080, targetPort: 8080 }] },
  })
  expect(() => serviceFor({ ...object, spec: { selector: { matchLabels: {} } } }, 'default', { protocol: 'TCP' })).toThrow(
    "couldn't find port",
  )
})

describe('set', () => {
  const web = (...containers: JsonObject[]): JsonObject => ({ kind: 'Deployment', spec: { template: { spec: { containers } } } })

  test('an image goes to the containers that are named', () => {
    const object = web({ name: 'a', image: '1' }, { name: 'b', image: '2' })
    expect(withImages(object, new Map([['a', '3']]))).toEqual(web({ name: 'a', image: '3' }, { name: 'b', image: '2' }))
    expect(withImages(object, new Map([['*', '3']]))).toEqual(web({ name: 'a', image: '3' }, { name: 'b', image: '3' }))
    expect(() => withImages(object, new Map([['z', '1']]))).toThrow('unable to find container named "z"')
    expect(() => withImages({ kind: 'ConfigMap' }, new Map())).toThrow('does not have a pod template: ConfigMap')
  })

  test('variables change in their places, new ones follow, others go', () => {
    const env = (...pairs: [string, string][]) => pairs.map(([name, value]) => ({ name, value }))
    const object = web({ name: 'app', env: env(['A', '1'], ['B', '2'], ['C', '3']) }, { name: 'log' })
    const change = parseEnvironment(['B=x=y', 'D=', 'A-'])
    expect(withEnvironment(object, change, { containers: 'ap*' })).toEqual(
      web({ name: 'app', env: env(['B', 'x=y'], ['C', '3'], ['D', '']) }, { name: 'log' }),
    )
    expect(() => withEnvironment(object, change, { overwrite: false })).toThrow(
      "'B' already has a value (2), and --overwrite is false",
    )
    expect(() => parseEnvironment(['A=1', 'A-'])).toThrow('can not both modify and remove the same environment variable')
    expect(() => parseEnvironment(['A'])).toThrow('unknown environment variable: A')
  })

  test('variables come from the keys of a secret', () => {
    const secret = { kind: 'Secret', metadata: { name: 's' }, data: { 'user.name': 'eA==', password: 'eA==' } }
    const [name, ...others] = referencesTo(secret, ['user.name'])
    expect(others).toEqual([])
    expect(name).toEqual({ name: 'USER_NAME', valueFrom: { secretKeyRef: { name: 's', key: 'user.name' } } })
    expect(environmentLine(name!)).toBe('# USER_NAME from secret s, key user.name')
  })

  test('resources that are not named stay', () => {
    const object = web({ name: 'app', resources: { limits: { cpu: '1', memory: '1Gi' } } }, { name: 'log' })
    const resources = { limits: parseResources('cpu=200m'), requests: parseResources('memory=64Mi') }
    expect(withResources(object, resources, 'app')).toEqual(
      web({ name: 'app', resources: { limits: { cpu: '200m', memory: '1Gi' }, requests: { memory: '64Mi' } } }, { name: 'log' }),
    )
    expect(() => withResources(object, resources, 'z')).toThrow('unable to find container named z')
    expect(() => parseResources('cpu')).toThrow('Invalid argument syntax cpu, expected <resource>=<value>')
    expect(() => parseResources('cpu=much')).toThrow('quantities must match the regular expression')
  })
})

test('exec ends as the command did', () => {
  expect(outcomeOf('{"kind":"Status","status":"Success"}')).toBeUndefined()
  const failed = outcomeOf(
    '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
  )
  expect(failed).toBeInstanceOf(CommandFailed)
  expect(failed).toMatchObject({ message: 'command terminated with exit code 3', exitCode: 3 })
})

test('an environment file is lines of NAME=value; empty ones and comments are passed over', () => {
  expect(parseEnvFile('# comment\nA=1\n\n  B=x=y\n')).toEqual([
    ['A', '1'],
    ['B', 'x=y'],
  ])
})

describe('printers', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { on: 'y', n: null } }],
  }

  test.each([
    ['name', 'deployment.apps/web'],
    ['jsonpath={.items[0].metadata.name}', 'web'],
    ['custom-columns=NAME:.metadata.name,X:.spec.nope', 'NAME   X\nweb    <none>'],
  ])('%s', (format, expected) => {
    expect(createPrinter(format)!(list)).toBe(expected)
  })

  test('yaml keeps apart what readers would take for something else', () => {
    expect(createPrinter('yaml')!({ b: ['x'], a: 'y', t: '2026-01-01T00:00:00Z' })).toBe(
      'a: "y"\nb:\n- x\nt: "2026-01-01T00:00:00Z"',
    )
  })

  test('an unknown format is refused', () => {
    expect(() => createPrinter('xml')).toThrow(
      'unable to match a printer suitable for the output format "xml", allowed formats are: json,yaml,name,wide,jsonpath,jsonpath-as-json,jsonpath-file,custom-columns',
    )
  })

  const table: Table = {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Ready', type: 'string' },
      { name: 'Node', type: 'string', priority: 1 },
    ],
    rows: [{ cells: ['web', '1/1', 'n'], object: { metadata: { namespace: 'd', labels: { app: 'web' } } } }],
  }

  test('a table shows the columns that were asked for', () => {
    expect(createTableWriter({})(table)).toBe('NAME   READY\nweb    1/1')
    expect(createTableWriter({ wide: true, withNamespace: true, labelColumns: ['app'], namePrefix: 'pod/' })(table)).toBe(
      'NAMESPACE   NAME      READY   NODE   APP\nd           pod/web   1/1     n      web',
    )
  })

  test('a watched table keeps its columns and says its headers once', () => {
    const write = createTableWriter({})
    expect(write(table)).toBe('NAME   READY\nweb    1/1')
    expect(write({ kind: 'Table', rows: [{ cells: ['a-longer-name', '0/1', ''] }] })).toBe('a-longer-name   0/1')
    expect(write({ kind: 'Table', rows: [{ cells: ['web', '1/1', ''] }] })).toBe('web             1/1')
  })
})
