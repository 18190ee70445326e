/** Plays the kubelets of a cluster by what they write: pods run and are ready at once, those of jobs succeed, those told to end have ended. */
import type { Pod } from '../../api/generated/types.ts'
import { controllerOf, keyOf } from '../../api/object.ts'
import { isConflict, isNotFound } from '../../api/status.ts'
import { formatTime } from '../../api/time.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createInformer, type Informer } from '../../client/informer.ts'
import { sourceOf } from '../../client/shared-informers.ts'
import { systemClock as clock } from '../../component/clock.ts'
import { silentLogger as logger } from '../../component/logger.ts'

export interface FakeKubelet {
  /** Every pod as the API server has it; handlers see each change in order. */
  readonly pods: Informer<Pod>
  /** False stops reports of readiness and success; what is held back is done when it is true again. */
  setReporting(reporting: boolean): void
  stop(): Promise<void>
}

const inFlight = 32

export function startFakeKubelet(client: ApiClient): FakeKubelet {
  const stop = new AbortController()
  const pods = createInformer(sourceOf(client, 'Pod'), { name: 'Pod', clock, logger })
  const due = new Set<string>()
  let reporting = true
  let working = 0

  const pump = () => {
    for (const key of due) {
      if (working >= inFlight) return
      const pod = pods.store.get(key)
      due.delete(key)
      if (!pod) continue
      working++
      void act(client, pod)
        .catch((error: unknown) => {
          // It went meanwhile, or its newer state is on its way.
          if (!stop.signal.aborted && !isNotFound(error) && !isConflict(error)) throw error
        })
        .finally(() => {
          working--
          pump()
        })
    }
  }
  const look = (pod: Pod) => {
    if (!hasWork(pod) || (!reporting && !pod.metadata.deletionTimestamp)) return
    due.add(keyOf(pod))
    pump()
  }
  pods.addHandlers({ added: look, updated: look })
  const following = pods.run(stop.signal)
  return {
    pods,
    setReporting(wanted) {
      reporting = wanted
      if (wanted) pods.store.list().forEach(look)
    },
    async stop() {
      stop.abort()
      due.clear()
      await following
    },
  }
}

const hasWork = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined || status?.phase === undefined || status.phase === 'Pending'

async function act(client: ApiClient, pod: Pod): Promise<void> {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata
  const key = { namespace, name }
  if (deletionTimestamp) {
    await client.delete('Pod', key, { gracePeriodSeconds: 0, preconditions: { uid } })
    return
  }
  const time = formatTime(new Date())
  const succeeds = controllerOf(pod)?.kind === 'Job'
  const conditions = [{ type: 'Ready', status: succeeds ? 'False' : 'True', lastTransitionTime: time }]
  const status = { phase: succeeds ? 'Succeeded' : 'Running', conditions }
  await client.patch('Pod', key, { metadata: { uid }, status }, { type: 'application/merge-patch+json', subresource: 'status' })
}
