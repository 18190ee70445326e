import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OwnerReference } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { Resource } from '../../discovery.ts'
import { decide, decideAlone, type Decision } from './decide.ts'
import {
  createGraph,
  foregroundFinalizer,
  isDeletingDependents,
  matches,
  orphanFinalizer,
  ownersOf,
  type Graph,
} from './graph.ts'

const resource: Resource = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: [] }

const ownerOf = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  blockOwnerDeletion,
})

const object = (uid: string, owners: OwnerReference[] = [], metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: uid, uid, namespace: 'default', ownerReferences: owners, ...metadata },
})

type Policy = 'Foreground' | 'Background' | 'Orphan'

/** The API server's part: what a delete does, and what goes when its last finalizer does. Events reach the graph late. */
function createCluster() {
  const graph = createGraph()
  const stored = new Map<string, KubeObject>()
  const events: (() => { toDelete: string[]; toOrphan: string[] })[] = []
  const toDelete = new Set<string>()
  const toOrphan = new Set<string>()
  const retries = new Set<string>()

  const store = (next: KubeObject) => {
    if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length) {
      stored.delete(next.metadata.uid)
      events.push(() => graph.remove(next))
    } else {
      stored.set(next.metadata.uid, next)
      events.push(() => graph.put(resource, next))
    }
  }
  const change = (uid: string, metadata: Partial<KubeObject['metadata']>) => {
    const old = stored.get(uid)
    if (old) store({ ...old, metadata: { ...old.metadata, ...metadata } })
  }
  const remove = (uid: string, policy: Policy) => {
    const old = stored.get(uid)
    if (!old || old.metadata.deletionTimestamp) return
    const finalizers = { Foreground: [foregroundFinalizer], Background: [], Orphan: [orphanFinalizer] }[policy]
    change(uid, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers })
  }
  const carryOut = (uid: string, decision: Decision) => {
    const owners = ownersOf(stored.get(uid) ?? object(uid))
    if (decision.do === 'lookAt') for (const each of decision.uids) toDelete.add(each)
    if (decision.do === 'removeFinalizer') change(uid, { finalizers: [] })
    if (decision.do === 'removeOwners')
      change(uid, { ownerReferences: owners.filter((owner) => !decision.uids.includes(owner.uid)) })
    if (decision.do === 'delete') {
      if (decision.unblockFirst)
        change(uid, { ownerReferences: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) })
      remove(uid, decision.propagationPolicy)
    }
  }
  const judge = (uid: string) => {
    const node = graph.get(uid)
    if (!node) return
    // A stale judgement fails on the revision, and is tried again.
    if (stored.get(uid) !== node.object) return void retries.add(uid)
    carryOut(uid, decideAlone(node, graph) ?? decide(node, graph, (owner) => stateOf(graph, owner, node.object)))
  }
  const stateOf = (known: Graph, owner: OwnerReference, dependent: KubeObject) => {
    const seen = known.get(owner.uid)
    if (seen && matches(owner, seen, dependent)) return isDeletingDependents(seen.object) ? 'waiting' : 'solid'
    if (known.isGone(owner.uid)) return 'absent'
    const live = stored.get(owner.uid)
    return live && live.metadata.namespace === dependent.metadata.namespace && live.metadata.name === owner.name
      ? 'unseen'
      : 'absent'
  }
  const orphan = (uid: string) => {
    for (const { object: dependent } of graph.dependentsOf(uid)) {
      change(dependent.metadata.uid, { ownerReferences: ownersOf(dependent).filter((owner) => owner.uid !== uid) })
    }
    change(uid, { finalizers: [] })
  }
  return {
    stored,
    store,
    remove,
    graph,
    settle() {
      for (let step = 0; step < 10_000; step++) {
        const event = events.shift()
        for (const uid of retries) toDelete.add(uid)
        retries.clear()
        if (event) {
          const work = event()
          for (const uid of work.toDelete) toDelete.add(uid)
          for (const uid of work.toOrphan) toOrphan.add(uid)
          if (step % 3 === 0) continue
        }
        const [next] = toDelete
        const [letGo] = toOrphan
        if (next !== undefined) {
          toDelete.delete(next)
          judge(next)
        } else if (letGo !== undefined) {
          toOrphan.delete(letGo)
          orphan(letGo)
        } else if (!event) return
      }
      throw new Error('Cannot settle')
    },
  }
}

describe('the garbage collector', () => {
  const names = (cluster: ReturnType<typeof createCluster>) => [...cluster.stored.keys()].toSorted()

  it.each<[Policy, string[]]>([
    ['Background', []],
    ['Foreground', []],
    ['Orphan', ['b', 'c']],
  ])('deletes a chain with policy %s', (policy, left) => {
    const cluster = createCluster()
    cluster.store(object('a'))
    cluster.store(object('b', [ownerOf('a')]))
    cluster.store(object('c', [ownerOf('b')]))
    cluster.settle()
    cluster.remove('a', policy)
    cluster.settle()
    expect(names(cluster)).toEqual(left)
  })

  it('keeps what has another owner, and takes the useless reference away', () => {
    const cluster = createCluster()
    cluster.store(object('a'))
    cluster.store(object('b'))
    cluster.store(object('c', [ownerOf('a'), ownerOf('b')]))
    cluster.settle()
    cluster.remove('a', 'Foreground')
    cluster.settle()
    expect(names(cluster)).toEqual(['b', 'c'])
    expect(ownersOf(cluster.stored.get('c')!).map(({ uid }) => uid)).toEqual(['b'])
  })

  it('collects what names an owner that never was, or one in another namespace', () => {
    const cluster = createCluster()
    cluster.store(object('a', [], { namespace: 'other' }))
    cluster.store(object('b', [ownerOf('a')]))
    cluster.store(object('c', [ownerOf('nobody')]))
    cluster.settle()
    expect(names(cluster)).toEqual(['a'])
  })

  it('gets rid of a circle that is deleted in the foreground', () => {
    const cluster = createCluster()
    cluster.store(object('a', [ownerOf('b')]))
    cluster.store(object('b', [ownerOf('a')]))
    cluster.settle()
    cluster.remove('a', 'Foreground')
    cluster.settle()
    expect(names(cluster)).toEqual([])
  })

  it('leaves nothing half done: whatever stays has an owner that stays, or never had one', () => {
    const edges = fc.array(fc.record({ from: fc.nat(9), to: fc.nat(9), block: fc.boolean() }), { maxLength: 15 })
    const deletions = fc.array(
      fc.record({ uid: fc.nat(9), policy: fc.constantFrom<Policy>('Foreground', 'Background', 'Orphan'), settle: fc.boolean() }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(edges, deletions, (edges, deletions) => {
        const cluster = createCluster()
        for (let index = 0; index < 10; index++) {
          // Owners have smaller numbers: circles are the test above.
          const owners = new Map(
            edges
              .filter(({ from, to }) => from === index && to < index)
              .map(({ to, block }) => [`o${to}`, ownerOf(`o${to}`, block)]),
          )
          cluster.store(object(`o${index}`, [...owners.values()]))
        }
        for (const { uid, policy, settle } of deletions) {
          cluster.remove(`o${uid}`, policy)
          if (settle) cluster.settle()
        }
        cluster.settle()
        for (const { metadata } of cluster.stored.values()) {
          expect(metadata.deletionTimestamp).toBeUndefined()
          const owners = metadata.ownerReferences ?? []
          if (owners.length > 0) expect(owners.some(({ uid }) => cluster.stored.has(uid))).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})
