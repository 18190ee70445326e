/** What kinds that keep a number of pods share: where /scale finds its numbers, and the columns of those that do nothing else. */
import { integer } from './columns.ts'
import type { Column } from './resource.ts'

export const REPLICA_SCALE = {
  specReplicas: '.spec.replicas',
  statusReplicas: '.status.replicas',
  selector: '.spec.selector',
}

interface Replicated {
  spec: { replicas?: number | undefined }
  status?: { replicas?: number | undefined; readyReplicas?: number | undefined } | undefined
}

export const replicaColumns = <T extends Replicated>(): Column<T>[] => [
  integer('Desired', 'Number of pods that there should be.', ({ spec }) => spec.replicas),
  integer('Current', 'Number of pods that there are.', ({ status }) => status?.replicas),
  integer('Ready', 'Number of pods that are ready.', ({ status }) => status?.readyReplicas),
]
