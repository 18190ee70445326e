/** Clusters and pods of every kind, for properties that must hold of all of them. */
import fc from 'fast-check'
import { makeNode, makePod, type PodShape } from './testing.ts'

const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'
const apps = ['a', 'b'] as const
const term = fc.record({
  labelSelector: fc.constantFrom(...apps).map((app) => ({ matchLabels: { app } })),
  topologyKey: fc.constantFrom(zone, hostname),
})
const preferred = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: term }), { maxLength: 1 })
const some = <T>(value: fc.Arbitrary<T>) => fc.array(value, { maxLength: 1 })

export const shapes: fc.Arbitrary<PodShape> = fc
  .record({
    app: fc.constantFrom(...apps),
    cpu: fc.constantFrom('100m', '500m', '1'),
    wanted: some(term),
    unwanted: some(term),
    likes: preferred,
    dislikes: preferred,
    spread: some(fc.record({ maxSkew: fc.integer({ min: 1, max: 2 }), topologyKey: fc.constantFrom(zone, hostname) })),
    zone: fc.option(fc.constantFrom('z0', 'z1'), { freq: 6 }),
    tolerates: fc.boolean(),
    port: fc.option(fc.constantFrom(80, 81), { freq: 4 }),
  })
  .map((each) => ({
    labels: { app: each.app },
    cpu: each.cpu,
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: each.wanted,
        preferredDuringSchedulingIgnoredDuringExecution: each.likes,
      },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: each.unwanted,
        preferredDuringSchedulingIgnoredDuringExecution: each.dislikes,
      },
    },
    spread: each.spread.map((one) => ({
      ...one,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: each.app } },
    })),
    ...(each.zone ? { nodeSelector: { [zone]: each.zone } } : {}),
    ...(each.tolerates ? { tolerations: [{ key: 'dedicated', operator: 'Exists' }] } : {}),
    ...(each.port ? { hostPort: each.port } : {}),
  }))

export const clusters = fc.record({
  nodes: fc
    .array(fc.record({ zone: fc.constantFrom('z0', 'z1', 'z2'), cpu: fc.constantFrom('1', '2'), tainted: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    })
    .map((list) =>
      list.map(({ zone: where, cpu, tainted }, index) =>
        makeNode(`node-${index}`, {
          zone: where,
          cpu,
          ...(tainted ? { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] } : {}),
        }),
      ),
    ),
  pods: fc.array(shapes, { maxLength: 14 }).map((list) => list.map((shape, index) => makePod(`pod-${index}`, shape))),
  seed: fc.nat(),
})
