import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Node, Pod, PodAffinityTerm } from '../api/generated/types.ts'
import { createCache } from '../client/shared-informers.ts'
import { createIndexedStore } from '../client/indexed-store.ts'
import { createJudge, createRandom, decide, judgeAnew, numberToFind, withPods, type Profile } from './decide.ts'
import { createPodInfo } from './pod-info.ts'
import { createPlugins } from './plugins.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { clusters, shapes } from './random-clusters.ts'
import { makeNode, makePod } from './testing.ts'

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }
const emptyStore = createIndexedStore()
const cache = createCache(() => ({ store: emptyStore }))

const snapshotOf = (nodes: Node[]): Snapshot => {
  const snapshot = createSnapshot(cache)
  for (const node of nodes) snapshot.setNode(node)
  return snapshot
}

/** Places the pods one after the other; answers where each went. */
function scheduleAll(snapshot: Snapshot, pods: Pod[], seed: number): (string | null)[] {
  const random = createRandom(seed)
  let startIndex = 0
  return pods.map((pod) => {
    const info = createPodInfo(pod)
    const decision = decide(info, snapshot, profile, { startIndex, random })
    startIndex += decision.evaluated
    if (decision.node) snapshot.place(info, decision.node.name)
    return decision.node?.name ?? null
  })
}

/** The rules by their definition: looks at every pod, counts nothing ahead. Answers the first that is broken. */
function brokenRule(pod: Pod, node: Node, placed: { pod: Pod; node: Node }[], nodes: Node[]): string | null {
  const labelOf = (each: Node, key: string) => each.metadata.labels?.[key]
  const selects = ({ labelSelector }: PodAffinityTerm, other: Pod) =>
    labelSelector?.matchLabels?.['app'] === other.metadata.labels?.['app']
  const near = (other: Node, key: string) => labelOf(other, key) === labelOf(node, key)
  const anti = (each: Pod) => each.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []

  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labelOf(node, key) !== value) return 'node selector'
  if (node.spec?.taints?.length && !pod.spec.tolerations?.length) return 'taint'
  const ports = (each: Pod) =>
    each.spec.containers.flatMap((container) => (container.ports ?? []).map(({ hostPort }) => hostPort))
  if (placed.some((other) => other.node === node && ports(other.pod).some((port) => ports(pod).includes(port))))
    return 'host port'
  for (const rule of anti(pod))
    if (placed.some((other) => selects(rule, other.pod) && near(other.node, rule.topologyKey))) return 'anti-affinity'
  for (const other of placed)
    for (const rule of anti(other.pod))
      if (selects(rule, pod) && near(other.node, rule.topologyKey)) return "another's anti-affinity"
  for (const rule of pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const wanted = placed.filter((other) => selects(rule, other.pod))
    const isFirst = wanted.length === 0 && selects(rule, pod)
    if (!isFirst && !wanted.some((other) => near(other.node, rule.topologyKey))) return 'affinity'
  }
  for (const rule of pod.spec.topologySpreadConstraints ?? []) {
    const eligible = nodes.filter((each) =>
      Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labelOf(each, key) === value),
    )
    const counts = new Map(eligible.map((each) => [labelOf(each, rule.topologyKey), 0]))
    for (const other of placed) {
      const domain = labelOf(other.node, rule.topologyKey)
      if (selects(rule as never, other.pod) && eligible.includes(other.node)) counts.set(domain, counts.get(domain)! + 1)
    }
    if (counts.get(labelOf(node, rule.topologyKey))! + 1 - Math.min(...counts.values()) > rule.maxSkew) return 'topology spread'
  }
  return null
}

describe('decide', () => {
  test('never breaks a required rule, and never refuses a node that all rules allow', () => {
    fc.assert(
      fc.property(clusters, ({ nodes, pods, seed }) => {
        const snapshot = snapshotOf(nodes)
        const random = createRandom(seed)
        const placed: { pod: Pod; node: Node }[] = []
        for (const pod of pods) {
          const info = createPodInfo(pod)
          const decision = decide(info, snapshot, profile, { startIndex: 0, random })
          const fits = (node: Node) => {
            const running = snapshot.node(node.metadata.name)!
            return running.requested.milliCpu + info.requests.milliCpu <= running.allocatable.milliCpu
          }
          if (decision.node) {
            expect(brokenRule(pod, decision.node.node, placed, nodes)).toBeNull()
            expect(fits(decision.node.node)).toBe(true)
            snapshot.place(info, decision.node.name)
            placed.push({ pod, node: decision.node.node })
          } else
            for (const node of nodes)
              expect(brokenRule(pod, node, placed, nodes) ?? (fits(node) ? null : 'capacity')).not.toBeNull()
        }
      }),
      { numRuns: 300 },
    )
  })

  test('equal snapshots and seeds give equal choices, whatever came and went before', () => {
    fc.assert(
      fc.property(clusters, fc.array(shapes, { maxLength: 5 }), ({ nodes, pods, seed }, others) => {
        const once = scheduleAll(snapshotOf(nodes), pods, seed)
        const disturbed = snapshotOf(nodes)
        const passing = others.map((shape, index) => createPodInfo(makePod(`other-${index}`, shape)))
        for (const info of passing) disturbed.place(info, nodes[0]!.metadata.name)
        for (const info of passing) disturbed.remove(info.uid)
        expect(scheduleAll(disturbed, pods, seed)).toEqual(once)
      }),
      { numRuns: 100 },
    )
  })

  test('a judge of many nodes answers as one that begins anew, whoever is taken away', () => {
    fc.assert(
      fc.property(clusters, shapes, ({ nodes, pods, seed }, shape) => {
        const snapshot = snapshotOf(nodes)
        scheduleAll(snapshot, pods, seed)
        const info = createPodInfo(makePod('late', { ...shape, priority: 10 }))
        const judge = createJudge(info, snapshot, profile)
        for (const node of snapshot.nodes()) {
          const all = [...node.pods.values()]
          for (const removed of [[], all, ...all.map((each) => [each])]) {
            const [one, other] = withPods(snapshot, node, { added: [], removed }, () => [
              judge(node),
              judgeAnew(info, node, snapshot, profile),
            ])
            expect(one).toEqual(other)
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test('asking what would be leaves the snapshot as it was', () => {
    const snapshot = snapshotOf([makeNode('node-1')])
    const shape = { cpu: '1', labels: { app: 'a' }, hostPort: 80 }
    const [here, there] = [createPodInfo(makePod('here', shape)), createPodInfo(makePod('there', shape))]
    snapshot.place(here, 'node-1')
    const node = snapshot.node('node-1')!
    const picture = () =>
      JSON.stringify([node.requested, node.nonZeroRequested, [...node.pods.keys()], [...node.portHolders.keys()]])
    const before = picture()
    const seen = withPods(snapshot, node, { added: [there], removed: [here] }, picture)
    expect(seen).not.toBe(before)
    expect(picture()).toBe(before)
  })

  test.each([
    [50, 0, 50],
    [100, 0, 100],
    [500, 0, 230],
    [5000, 0, 500],
    [6000, 0, 300],
    [1000, 70, 700],
    [150, 10, 100],
  ])('of %i nodes at %i %% it looks for %i', (nodes, percentage, wanted) => {
    expect(numberToFind(nodes, percentage)).toBe(wanted)
  })
})
