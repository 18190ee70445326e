/** What befalls a simulated cluster: a few incidents in every run, and whatever people and accidents do. */
import { type KindName } from '../../api/kinds.ts'
import { controllerOf, type KubeObject } from '../../api/object.ts'
import { type Simulation } from './simulation.ts'
import { namespace, templateOf } from './population.ts'

/** What happens in every run, in the middle of all the rest. */
export const incidents: Record<number, (server: Simulation['server']) => Promise<unknown>> = {
  // Its kubelet falls silent for good.
  10: (server) =>
    server.patch(
      'Node',
      { name: 'node-4' },
      { metadata: { labels: { broken: 'yes' } } },
      { type: 'application/merge-patch+json' },
    ),
  20: (server) => server.delete('Namespace', { name: 'leaving' }),
  25: (server) => server.delete('ReplicaSet', { namespace, name: 'doomed' }, { propagationPolicy: 'Foreground' }),
  35: (server) => server.delete('ReplicaSet', { namespace, name: 'freed' }, { propagationPolicy: 'Orphan' }),
  45: (server) => server.delete('PersistentVolumeClaim', { namespace, name: 'scratch' }),
}

/** Something that a person or an accident does. */
export async function disturb({ server, random }: Simulation): Promise<void> {
  const merge = (kind: KindName, name: string, patch: object) =>
    server.patch(kind, { namespace, name }, patch, { type: 'application/merge-patch+json' })
  const [kind, name] = random.pick<[KindName, string]>([
    ['Deployment', 'web'],
    ['Deployment', 'one'],
    ['ReplicaSet', 'set'],
    ['StatefulSet', 'db'],
    ['DaemonSet', 'agent'],
  ])
  switch (random.below(8)) {
    case 0:
      return void (kind === 'DaemonSet' || (await merge(kind, name, { spec: { replicas: random.below(6) } })))
    case 1: {
      const image = random.pick(['v1', 'v2', 'v3'])
      return void (await merge(kind, name, { spec: { template: templateOf(name, { containers: [{ name: 'c', image }] }) } }))
    }
    case 2:
    case 3: {
      const pod = random.pick((await server.list('Pod', { namespace })).items)
      // A pod that a StatefulSet lets go keeps its name, and the set waits for it.
      if (random.chance(0.5) || pod.metadata.name.startsWith('db-')) await server.delete('Pod', pod.metadata)
      else await merge('Pod', pod.metadata.name, { metadata: { labels: { app: random.pick(['web', 'set', 'nothing']) } } })
      return
    }
    case 4: {
      const wiped = random.pick<KindName>(['EndpointSlice', 'Endpoints', 'ServiceAccount', 'ControllerRevision', 'ReplicaSet'])
      const all = (await server.list(wiped)).items as KubeObject[]
      const found = wiped === 'ReplicaSet' ? all.filter(controllerOf) : all
      if (found.length > 0) await server.delete(wiped, random.pick(found).metadata)
      return
    }
    case 5:
      // Its kubelet is silent from now on, or comes back.
      await server.patch(
        'Node',
        { name: 'node-3' },
        { metadata: { labels: { broken: random.pick(['yes', null]) } } },
        { type: 'application/merge-patch+json' },
      )
      return
    case 6:
      return void (await merge('Job', 'pi', { spec: { suspend: random.chance(0.5) } }))
    case 7:
      server.dropWatches()
  }
}
