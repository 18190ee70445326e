import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../api/json.ts'
import {
  environmentLine,
  parseEnvironment,
  parseResources,
  referencesTo,
  withEnvironment,
  withImages,
  withResources,
} from './pod-changes.ts'

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
