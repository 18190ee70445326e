/** No pod sleeps through what helps it: whenever an event makes room for a pod, a plugin that refused it says so. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Node, Pod } from '../api/generated/types.ts'
import { createIndexedStore } from '../client/indexed-store.ts'
import { createCache } from '../client/shared-informers.ts'
import { decide, type Profile } from './decide.ts'
import { refusingPlugins } from './explain.ts'
import type { ClusterEvent } from './framework.ts'
import { createPlugins } from './plugins.ts'
import { createPodInfo } from './pod-info.ts'
import { clusters, shapes } from './random-clusters.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { makeNode, makePod } from './testing.ts'

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }
const plugins = new Map(profile.plugins.map(({ plugin }) => [plugin.name, plugin]))
const store = createIndexedStore()
const attempt = (pod: Pod, snapshot: Snapshot) =>
  decide(createPodInfo(pod), snapshot, profile, { startIndex: 0, random: () => 0 })

function snapshotOf(nodes: readonly Node[], placed: readonly Pod[]): Snapshot {
  const snapshot = createSnapshot(createCache(() => ({ store })))
  for (const node of nodes) snapshot.setNode(node)
  for (const pod of placed) snapshot.place(createPodInfo(pod), pod.spec.nodeName!)
  return snapshot
}

/** In the snapshot, as the informers' handlers do it. */
function carryOut(event: ClusterEvent, snapshot: Snapshot): void {
  if (event.kind === 'Node') {
    if (event.type === 'delete') snapshot.deleteNode(event.object.metadata.name)
    else snapshot.setNode(event.object)
  } else if (event.kind === 'Pod') {
    snapshot.remove(event.object.metadata.uid)
    if (event.type !== 'delete') snapshot.place(createPodInfo(event.object), event.object.spec.nodeName!)
  }
}

const refused = (pod: Pod, snapshot: Snapshot) => {
  const decision = attempt(pod, snapshot)
  return decision.node ? null : refusingPlugins(decision)
}
const wakes = (pod: Pod, refusedBy: ReadonlySet<string>, event: ClusterEvent) =>
  [...refusedBy].some((name) => plugins.get(name)?.isHelpedBy?.(createPodInfo(pod), event))

const relabelled = (pod: Pod, app: string): Pod => ({ ...pod, metadata: { ...pod.metadata, labels: { app } } })
const leaving = (pod: Pod): Pod => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })

/** Everything that can happen to one pod or node of the cluster. */
function eventsOf(nodes: readonly Node[], placed: readonly Pod[]): ClusterEvent[] {
  const node = (type: 'add' | 'update' | 'delete', object: Node, old?: Node): ClusterEvent => ({
    kind: 'Node',
    type,
    object,
    old,
  })
  const pod = (type: 'add' | 'update' | 'delete', object: Pod, old?: Pod): ClusterEvent => ({ kind: 'Pod', type, object, old })
  return [
    ...nodes.flatMap((each) => [
      node('delete', each),
      node('update', { ...each, spec: {} }, each),
      ...['z0', 'z1'].map((zone) =>
        node(
          'update',
          { ...each, metadata: { ...each.metadata, labels: { ...each.metadata.labels, 'topology.kubernetes.io/zone': zone } } },
          each,
        ),
      ),
      node('update', { ...each, status: { ...each.status, allocatable: { cpu: '64', memory: '64Gi', pods: '110' } } }, each),
    ]),
    node('add', makeNode('new', { zone: 'z0' })),
    ...placed.flatMap((each) => [
      pod('delete', each),
      pod('update', leaving(each), each),
      ...['a', 'b', 'c'].map((app) => pod('update', relabelled(each, app), each)),
    ]),
    ...nodes.flatMap(({ metadata: { name } }) =>
      ['a', 'b'].map((app) => pod('add', makePod('new', { nodeName: name, labels: { app } }))),
    ),
  ]
}

describe('a pod that could not be scheduled', () => {
  test('is woken by every event after which it can be', () => {
    fc.assert(
      fc.property(clusters, shapes, ({ nodes, pods }, shape) => {
        const placed: Pod[] = []
        const snapshot = snapshotOf(nodes, [])
        for (const pod of pods) {
          const { node } = attempt(pod, snapshot)
          if (!node) continue
          placed.push({ ...pod, spec: { ...pod.spec, nodeName: node.name } })
          snapshot.place(createPodInfo(placed.at(-1)!), node.name)
        }
        const pod = makePod('late', { ...shape, cpu: '1' })
        const refusedBy = refused(pod, snapshot)
        if (!refusedBy) return
        for (const event of eventsOf(nodes, placed)) {
          const after = snapshotOf(nodes, placed)
          carryOut(event, after)
          if (refused(pod, after) === null && !wakes(pod, refusedBy, event))
            expect.fail(
              `refused by ${[...refusedBy].join()}, helped by ${event.type} of ${event.kind} ${JSON.stringify(event.object)}`,
            )
        }
      }),
      { numRuns: Number(process.env.KUBELAB_HINT_RUNS ?? 150) },
    )
  })

  const own = { labelSelector: { matchLabels: { app: 'a' } }, topologyKey: 'kubernetes.io/hostname' }
  const together = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [own] } }
  const apart = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [own] } }
  const other = makePod('other', { nodeName: 'n1', labels: { app: 'a' } })
  const cordoned = makeNode('n1', { unschedulable: true })

  test.each<[string, Node[], Pod, ClusterEvent]>([
    [
      'the end of the only one of its kind, which was where nobody may go',
      [cordoned, makeNode('n2')],
      makePod('late', { labels: { app: 'a' }, affinity: together }),
      { kind: 'Pod', type: 'delete', object: other },
    ],
    [
      'another that stops being what it avoids',
      [makeNode('n1')],
      makePod('late', { affinity: apart }),
      { kind: 'Pod', type: 'update', object: relabelled(other, 'b'), old: other },
    ],
    [
      'another that leaves the group it spreads with',
      [makeNode('n1', { zone: 'z1' }), makeNode('n2', { zone: 'z2', unschedulable: true })],
      makePod('late', {
        labels: { app: 'a' },
        spread: [
          {
            maxSkew: 1,
            topologyKey: 'topology.kubernetes.io/zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'a' } },
          },
        ],
      }),
      { kind: 'Pod', type: 'update', object: relabelled(other, 'b'), old: other },
    ],
  ])('is woken by %s', (_, nodes, pod, event) => {
    const refusedBy = refused(pod, snapshotOf(nodes, [other]))
    expect(refusedBy).not.toBeNull()
    const after = snapshotOf(nodes, [other])
    carryOut(event, after)
    expect(refused(pod, after)).toBeNull()
    expect(wakes(pod, refusedBy!, event)).toBe(true)
  })
})
