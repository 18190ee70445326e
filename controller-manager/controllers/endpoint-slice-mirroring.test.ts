import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EndpointSubset } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { endpointSliceMirroring } from './endpoint-slice-mirroring.ts'

const subset = (ips: string[], port = 80, notReady: string[] = []): EndpointSubset => ({
  addresses: ips.map((ip) => ({ ip })),
  notReadyAddresses: notReady.map((ip) => ({ ip })),
  ports: [{ name: 'http', port, protocol: 'TCP' }],
})
function withEndpoints(subsets: EndpointSubset[], metadata: object = {}, selector?: Record<string, string>): Model {
  const model = createModel([endpointSliceMirroring])
  model.add('Service', { metadata: { namespace: 'default', name: 'db' }, spec: selector ? { selector } : {} })
  model.add('Endpoints', { metadata: { namespace: 'default', name: 'db', ...metadata }, subsets })
  model.settle(endpointSliceMirroring)
  return model
}
const shown = (model: Model) =>
  model
    .list('EndpointSlice')
    .map(({ addressType, ports, endpoints }) => ({
      family: addressType,
      port: ports?.[0]?.port,
      ready: (endpoints ?? []).filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses),
      notReady: (endpoints ?? []).filter(({ conditions }) => !conditions?.ready).flatMap(({ addresses }) => addresses),
    }))
    .toSorted((a, b) => `${a.family}${a.port}`.localeCompare(`${b.family}${b.port}`))

describe('endpoints that a user writes', () => {
  it('appear as a slice for each family and set of ports', () => {
    const model = withEndpoints([subset(['10.0.0.1', 'fd00::1'], 80, ['10.0.0.2']), subset(['10.0.0.3'], 81)])
    expect(shown(model)).toEqual([
      { family: 'IPv4', port: 80, ready: ['10.0.0.1'], notReady: ['10.0.0.2'] },
      { family: 'IPv4', port: 81, ready: ['10.0.0.3'], notReady: [] },
      { family: 'IPv6', port: 80, ready: ['fd00::1'], notReady: [] },
    ])
    const [slice] = model.list('EndpointSlice')
    expect(slice?.metadata).toMatchObject({
      labels: {
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      ownerReferences: [{ kind: 'Endpoints', name: 'db', controller: true }],
    })
  })

  it.each<[string, object, Record<string, string> | undefined]>([
    ['the service has a selector', {}, { app: 'db' }],
    ['they ask not to be', { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }, undefined],
    ['they are a lock', { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }, undefined],
  ])('are not mirrored when %s', (_, metadata, selector) => {
    expect(shown(withEndpoints([subset(['10.0.0.1'])], metadata, selector))).toEqual([])
  })

  it('bring their annotations, but for those about the object itself, and a new one later', () => {
    const applied = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' }
    const changed = { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' }
    const model = withEndpoints([subset(['10.0.0.1'])], { annotations: { team: 'a', ...applied, ...changed } })
    const annotations = () => model.list('EndpointSlice').map(({ metadata }) => metadata.annotations)
    expect(annotations()).toEqual([{ team: 'a' }])
    model.merge('Endpoints', 'default/db', { metadata: { annotations: { team: 'b' } } })
    model.settle(endpointSliceMirroring)
    expect(annotations()).toEqual([{ team: 'b' }])
  })

  it('of which there are too many are told of, the families counted together', () => {
    const ips = (prefix: string) => Array.from({ length: 600 }, (_, index) => `${prefix}${index}`)
    const model = withEndpoints([subset(ips('fd00::'), 80, ips('10.0.0.'))])
    expect(shown(model).map(({ ready, notReady }) => [ready.length, notReady.length])).toEqual([
      [0, 400],
      [600, 0],
    ])
    expect(model.events).toEqual([
      {
        reason: 'TooManyAddressesToMirror',
        message: 'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 200 addresses were skipped',
      },
    ])
  })

  it('show a thousand addresses of a subset and no more', () => {
    const ips = Array.from({ length: 1200 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
    expect(shown(withEndpoints([subset(ips)])).flatMap(({ ready }) => ready)).toHaveLength(1000)
  })

  it('take their slices along when they or their service go', () => {
    const model = withEndpoints([subset(['10.0.0.1'])])
    model.delete('Service', 'default/db')
    model.settle(endpointSliceMirroring)
    expect(shown(model)).toEqual([])
  })

  it('are followed whatever they become', () => {
    const ips = fc.uniqueArray(
      fc.nat(5).map((last) => `10.0.0.${last}`),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(fc.array(fc.array(ips, { maxLength: 2 }), { minLength: 1, maxLength: 6 }), (versions) => {
        const model = withEndpoints([])
        for (const version of versions) {
          const subsets = version.map((list, index) => subset(list, 80 + index))
          model.change('Endpoints', 'default/db', (endpoints) => void (endpoints.subsets = subsets))
          model.settle(endpointSliceMirroring)
          const expected = version
            .map((list, index) => `${80 + index}: ${list.toSorted().join()}`)
            .filter((text) => !text.endsWith(' '))
          expect(shown(model).map(({ port, ready }) => `${port}: ${ready.toSorted().join()}`)).toEqual(expected)
          expect(model.run(endpointSliceMirroring)).toBe(0)
        }
      }),
      { numRuns: 50 },
    )
  })
})
