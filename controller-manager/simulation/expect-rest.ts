/** What must hold when all controllers have come to rest: each object has what its spec says, and what was deleted is gone. */
import { expect } from 'vitest'
import { KINDS } from '../../api/kinds.ts'
import { controllerOf, isControlledBy, type KubeObject } from '../../api/object.ts'
import { isActive, isFinished, isReady } from '../pods.ts'
import { totalMilliCpu } from './simulated-paths.ts'
import { type Simulation } from './simulation.ts'
import { namespace } from './population.ts'

export async function expectRest(simulation: Simulation): Promise<void> {
  const { server } = simulation
  const pods = (await server.list('Pod', { namespace })).items
  const ownedBy = (object: KubeObject) => pods.filter((pod) => isControlledBy(pod, object) && isActive(pod))
  for (const kind of ['ReplicaSet', 'ReplicationController', 'StatefulSet'] as const) {
    for (const object of (await server.list(kind)).items as (KubeObject & { spec: { replicas: number } })[]) {
      expect([kind, object.metadata.name, ownedBy(object).length]).toEqual([kind, object.metadata.name, object.spec.replicas])
    }
  }
  for (const { metadata, spec, status } of (await server.list('Deployment')).items) {
    expect([metadata.name, status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0, status?.replicas ?? 0]).toEqual([
      metadata.name,
      ...Array<number>(3).fill(spec.replicas ?? 1),
    ])
  }
  for (const job of (await server.list('Job')).items) {
    const over = job.status?.conditions?.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True')
    expect([job.metadata.name, over || job.spec.suspend]).toEqual([job.metadata.name, true])
  }
  const web = pods.filter(({ metadata, status }) => metadata.labels?.['app'] === 'web' && isReady({ metadata, status } as never))
  const slices = (await server.list('EndpointSlice', { labelSelector: 'kubernetes.io/service-name=web' })).items
  const ready = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready)
  expect(ready.length).toBe(web.length)
  expect(pods.some(({ metadata }) => metadata.name === 'lost')).toBe(false)
  await expectGone(simulation)
  const [quota] = (await server.list('ResourceQuota')).items
  const sets = (await server.list('ReplicaSet', { namespace })).items.length
  const services = (await server.list('Service', { namespace })).items.length
  const counted = pods.filter((pod) => !isFinished(pod)).length
  expect(quota?.status?.used).toEqual({ pods: `${counted}`, 'count/replicasets.apps': `${sets}`, services: `${services}` })
  const busy = await server.get('Deployment', { namespace, name: 'busy' })
  expect(busy.spec.replicas).toBe(totalMilliCpu / 100)
  expect(pods.filter((pod) => controllerOf(pod)?.kind === 'DaemonSet' && isActive(pod)).length).toBeLessThanOrEqual(5)
}

/** Whatever was deleted has gone with all that it owned, and nothing else. */
async function expectGone({ server, writes }: Simulation): Promise<void> {
  expect((await server.list('Namespace')).items.map(({ metadata }) => metadata.name)).not.toContain('leaving')
  const everything = (await Promise.all(KINDS.map(async ({ kind }) => (await server.list(kind)).items as KubeObject[]))).flat()
  expect(everything.filter(({ metadata }) => metadata.namespace === 'leaving')).toEqual([])
  const uids = new Set(everything.map(({ metadata }) => metadata.uid))
  const strays = everything.filter(
    ({ metadata: { ownerReferences = [] } }) => ownerReferences.length > 0 && !ownerReferences.some(({ uid }) => uids.has(uid)),
  )
  expect(strays.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([])
  const named = (app: string) => everything.filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.['app'] === app)
  expect(named('doomed')).toEqual([])
  expect(named('freed').flatMap(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([])
  const collected = writes.filter(({ by, what }) => by === 'garbage-collector-controller' && what.startsWith('DELETE'))
  expect(collected.filter(({ what }) => what.includes('/freed'))).toEqual([])
  expect((await server.list('PersistentVolume')).items.map(({ metadata }) => metadata.name)).toEqual(['disk'])
}
