/** Follows one pod until it is as wanted: by a watch, never by asking again and again. */
import type { Pod } from '../api/generated/types.ts'
import { CliError } from './errors.ts'
import type { Session } from './session.ts'

export interface PodName {
  namespace: string
  name: string
}

/** Answers the pod as it was when it was done. `timeoutMs` undefined: however long it takes. */
export async function watchPod(
  session: Session,
  { namespace, name }: PodName,
  isDone: (pod: Pod) => boolean,
  timeoutMs?: number,
): Promise<Pod> {
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  try {
    return await untilDone(session, { namespace, name }, isDone, signal)
  } catch (error) {
    throw signal?.aborted ? new CliError('timed out waiting for the condition') : error
  }
}

async function untilDone(
  session: Session,
  { namespace, name }: PodName,
  isDone: (pod: Pod) => boolean,
  signal?: AbortSignal,
): Promise<Pod> {
  for (;;) {
    const pod = await session.client.get('Pod', { namespace, name })
    if (isDone(pod)) return pod
    const { resourceVersion = '' } = pod.metadata
    const events = session.client.watchPath<Pod>(`/api/v1/namespaces/${namespace}/pods`, {
      query: { fieldSelector: `metadata.name=${name}`, resourceVersion },
      ...(signal && { signal }),
    })
    for await (const { type, object } of events) {
      // The server ends a watch after a while, or with an error: either way the pod is looked at anew.
      if (type === 'ERROR') break
      if (type === 'DELETED') throw new CliError(`pods ${JSON.stringify(name)} not found`)
      if (type !== 'BOOKMARK' && isDone(object)) return object
    }
  }
}

export const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** All containers of the pod can be spoken to. */
export const isRunningAndReady = (pod: Pod): boolean =>
  isOver(pod) ||
  (pod.status?.phase === 'Running' &&
    (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false))
