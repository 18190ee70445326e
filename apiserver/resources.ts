/** Every resource the API server serves by itself, in the order of discovery: one line a kind. A new kind is one file and one line. */
import type { KubeObject } from '../api/object.ts'
import { configMap } from './resources/config-map.ts'
import { completeBehaviour, defineResource } from './resources/define-resource.ts'
import { deployment } from './resources/deployment.ts'
import { endpointSlice } from './resources/endpoint-slice.ts'
import { endpoints } from './resources/endpoints.ts'
import { event, eventOfNewApi, fromCoreEvent, toCoreEvent } from './resources/event.ts'
import { lease } from './resources/lease.ts'
import { namespace } from './resources/namespace.ts'
import { node } from './resources/node.ts'
import { pod } from './resources/pod.ts'
import { replicaSet } from './resources/replica-set.ts'
import type { ResourceBehaviour, ResourceDefinition } from './resources/resource.ts'
import { secret } from './resources/secret.ts'
import { serviceAccount } from './resources/service-account.ts'
import { service } from './resources/service.ts'
import { KINDS } from '../api/kinds.ts'

/** events.k8s.io/v1 shows core's events in other words: one store, two names. */
const eventsOfNewApi: ResourceDefinition = completeBehaviour(
  {
    group: 'events.k8s.io',
    storageGroup: '',
    versions: ['v1'],
    storageVersion: 'v1',
    kind: 'Event',
    listKind: 'EventList',
    plural: 'events',
    singular: 'event',
    shortNames: ['ev'],
    categories: [],
    namespaced: true,
  },
  { v1: 'EventsEvent' },
  {
    ...(eventOfNewApi as unknown as ResourceBehaviour<KubeObject>),
    conversions: { v1: { toStorage: toCoreEvent, fromStorage: fromCoreEvent } },
  },
)

const DONE: readonly ResourceDefinition[] = [
  defineResource('ConfigMap', configMap),
  defineResource('Endpoints', endpoints),
  defineResource('Event', event),
  defineResource('Namespace', namespace),
  defineResource('Node', node),
  defineResource('Pod', pod),
  defineResource('Secret', secret),
  defineResource('ServiceAccount', serviceAccount),
  defineResource('Service', service),
  defineResource('Deployment', deployment),
  defineResource('ReplicaSet', replicaSet),
  defineResource('Lease', lease),
  defineResource('EndpointSlice', endpointSlice),
  eventsOfNewApi,
]

const REST = KINDS.filter(({ kind }) => !DONE.some(({ names }) => names.kind === kind)).map(({ kind }) =>
  defineResource(kind, { hasStatus: true }),
)

export const RESOURCES: readonly ResourceDefinition[] = [...DONE, ...REST]
