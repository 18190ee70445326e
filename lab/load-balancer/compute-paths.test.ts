import { describe, expect, it } from 'vitest'
import type { Service } from '../../api/generated/types.ts'
import { addressesOf, computePaths, isServing, type NodeHealth } from './compute-paths.ts'

const now = 100_000
const ok: NodeHealth = { isOn: true, last: 'ok', lastOk: now }

describe('a node serves', () => {
  const cases: [string, Partial<NodeHealth>, boolean][] = [
    ['while it says so', {}, true],
    ['not before it has said so', { lastOk: undefined, last: 'unknown' }, false],
    ['not once it is switched off', { isOn: false }, false],
    ['while its proxy restarts, since the rules stay', { last: 'refused', lastOk: now - 5_000 }, true],
    ['not when its proxy stays away', { last: 'refused', lastOk: now - 20_000 }, false],
    ['for a moment of silence', { last: 'silent', lastOk: now - 900 }, true],
    ['not when it stays silent', { last: 'silent', lastOk: now - 1_100 }, false],
    ['not when it says no', { last: 'no', lastOk: now - 10 }, false],
  ]
  it.each(cases)('%s', (_, health, serving) => expect(isServing({ ...ok, ...health }, now)).toBe(serving))
})

const service = (ip: string, spec: Partial<NonNullable<Service['spec']>> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web', uid: 'u' },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  status: { loadBalancer: { ingress: [{ ip }] } },
})
const isOurs = (ip: string) => ip.startsWith('172.30.0.')

describe('paths', () => {
  const healthOf = (port: number) =>
    new Map(
      Object.entries(
        port === 10256 ? { a: ok, b: ok, c: { ...ok, isOn: false } } : { a: { ...ok, last: 'no' as const }, b: ok, c: ok },
      ),
    )
  const pathsOf = (services: Service[], before: Record<string, string[]> = {}, health = healthOf) =>
    Object.fromEntries(computePaths(addressesOf(services, isOurs), health, new Map(Object.entries(before)), now))

  it('lead over every node that serves', () => {
    expect(pathsOf([service('172.30.0.129')])).toEqual({ '172.30.0.129': ['a', 'b'] })
  })
  it('lead to the nodes with a pod of it when the policy is Local', () => {
    const local = service('172.30.0.129', { externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 })
    expect(pathsOf([local])).toEqual({ '172.30.0.129': ['b', 'c'] })
  })
  it('stay when nobody says yes any more', () => {
    const none = () => new Map([['a', { ...ok, isOn: false }]])
    expect(pathsOf([service('172.30.0.129')], { '172.30.0.129': ['a'] }, none)).toEqual({ '172.30.0.129': ['a'] })
    expect(pathsOf([service('172.30.0.129')], {}, none)).toEqual({})
  })
  it('are for addresses of the range and services of the type alone', () => {
    expect(pathsOf([service('192.0.2.1'), service('172.30.0.129', { type: 'ClusterIP' })])).toEqual({})
  })
})
